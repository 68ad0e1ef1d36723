/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: what a listener of the system calls and one with a socket
 * were told, as texts that are the same if the records are
 */
#ifndef FANOTIFY_TEST_THEIR_H
#define FANOTIFY_TEST_THEIR_H

#include <sys/statfs.h>

#include "records.h"
#include "subject.h"

#define MAX_TALES 32

/**
 * struct tales - the events that were told, in their order
 *
 * @nr: How many.
 * @tale: What each of them said.
 * @tale.mask: Its mask.
 * @tale.pid: The process.
 * @tale.text: Its records, but for the bytes that only pad them.
 *
 * The system calls merge events of which all but the mask is the same; so does
 * this, by the same rules, since sockets do not merge those of directories.
 */
struct tales {
	int nr;
	struct {
		__u64 mask;
		pid_t pid;
		char text[1024];
	} tale[MAX_TALES];
};

/* Adds one at the end of the text, for as much as there is room. */
static inline __printf(3, 4)
void tell_more(char *text, size_t size, const char *format, ...)
{
	size_t len = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + len, size - len, format, args);
	va_end(args);
}

static inline void tell_fid(char *text, size_t size, const void *record,
			    int type)
{
	const struct fanotify_event_info_fid *fid = record;
	const struct file_handle *fh = handle_of(fid);
	const char *name = name_behind(fid);
	unsigned int i;

	tell_more(text, size, " (%d fsid %x.%x type %x handle ",
		  type, fid->fsid.val[0], fid->fsid.val[1],
		  fh->handle_type);
	for (i = 0; i < fh->handle_bytes; i++)
		tell_more(text, size, "%02x", fh->f_handle[i]);
	tell_more(text, size, "%s%s)", name ? " name " : "", name ?: "");
}

/* Do the system calls merge events with these masks? */
static inline bool are_alike(__u64 a, __u64 b)
{
	return !((a ^ b) & (FAN_ONDIR | FAN_RENAME));
}

/*
 * One more event, with these records; false if there are too many. If @dir_only
 * all handles are those of directories, whatever they are called.
 */
static inline bool add_tale(struct tales *tales, __u64 mask, pid_t pid,
			    const char *p, const char *end, bool dir_only)
{
	const struct fanotify_event_info_header *hdr;

	char text[sizeof(tales->tale[0].text)] = "";
	int i;

	for (; p < end; p += hdr->len) {
		hdr = (const struct fanotify_event_info_header *)p;
		tell_fid(text, sizeof(text), hdr, dir_only ?
			 FAN_EVENT_INFO_TYPE_DFID : hdr->info_type);
	}
	for (i = 0; i < tales->nr; i++) {
		if (are_alike(tales->tale[i].mask, mask) &&
		    tales->tale[i].pid == pid &&
		    !strcmp(tales->tale[i].text, text)) {
			tales->tale[i].mask |= mask;
			return true;
		}
	}
	if (i == MAX_TALES)
		return false;
	tales->tale[i].mask = mask;
	tales->tale[i].pid = pid;
	memcpy(tales->tale[i].text, text, sizeof(text));
	tales->nr++;
	return true;
}

/*
 * Takes all that a group of the system calls was told. 0 or -errno. With
 * FAN_REPORT_DIR_FID alone (@dir_only), they tell the handle of the directory
 * that a file is in as FAN_EVENT_INFO_TYPE_FID, and sockets as what it is.
 */
static inline int take_theirs(struct tales *tales, int group, bool dir_only)
{
	const struct fanotify_event_metadata *ev;
	__u64 buf[1024];
	ssize_t len;

	tales->nr = 0;
	while ((len = read(group, buf, sizeof(buf))) > 0) {
		ev = (const struct fanotify_event_metadata *)buf;
		for (; FAN_EVENT_OK(ev, len); ev = FAN_EVENT_NEXT(ev, len)) {
			if (!add_tale(tales, ev->mask, ev->pid,
				      (const char *)ev + ev->metadata_len,
				      (const char *)ev + ev->event_len,
				      dir_only))
				return -E2BIG;
		}
	}
	return errno == EAGAIN ? 0 : -errno;
}

/* Is it of this file system, or is none given? */
static inline bool is_on(const struct fanotify_so_event_metadata *ev,
			 const struct statfs *fs)
{
	const struct fanotify_event_info_fid *fid;

	if (!fs)
		return true;
	fid = (const struct fanotify_event_info_fid *)first_record(ev);
	return count_records(ev) && !memcmp(&fid->fsid, &fs->f_fsid,
					    sizeof(fid->fsid));
}

/* The same of a socket, of the events of the file system, if one is given. */
static inline int take_ours(struct tales *tales, struct reader *r,
			    const struct statfs *fs)
{
	const struct fanotify_so_event_metadata *ev;
	int ret;

	tales->nr = 0;
	while ((ret = take_told(r, &ev)) > 0) {
		close_told(ev);
		if (is_on(ev, fs) &&
		    !add_tale(tales, ev->mask, ev->tgid,
			      (const char *)first_record(ev), event_end(ev),
			      false))
			return -E2BIG;
	}
	return ret;
}

/* All of it as one text */
static inline void all_tales(const struct tales *tales, char *text,
			     size_t size)
{
	int i;

	*text = 0;
	for (i = 0; i < tales->nr; i++)
		tell_more(text, size, "\n    %8llx by %d:%s",
			  (unsigned long long)tales->tale[i].mask,
			  tales->tale[i].pid, tales->tale[i].text);
}

#endif /* FANOTIFY_TEST_THEIR_H */
