/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: those who listened before there were sockets, and a
 * record of what each of them hears
 */
#ifndef FANOTIFY_TEST_SUBJECT_H
#define FANOTIFY_TEST_SUBJECT_H

#include <signal.h>
#include <stdarg.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>

#include "common.h"

/* What dnotify sends. */
#define DIR_SIGNAL (SIGRTMIN + 1)

#define NOTIFY_EVENTS (FAN_ACCESS | FAN_MODIFY | FAN_CLOSE | FAN_OPEN | \
		       FAN_OPEN_EXEC)
#define FID_EVENTS (NOTIFY_EVENTS | FAN_ATTRIB | FAN_CREATE | FAN_DELETE | \
		    FAN_MOVE | FAN_DELETE_SELF | FAN_MOVE_SELF)

#define MAX_HANDLES 32

/**
 * struct record - what was heard, as text that is the same in every run
 *
 * @text: A line for each event.
 * @len: How much of it there is.
 * @handles: The file handles met so far: they are told by when they came.
 * @nhandles: How many.
 * @rename: The cookie of inotify that came last.
 */
struct record {
	char text[16384];
	size_t len;
	struct {
		unsigned int bytes;
		unsigned char handle[MAX_HANDLE_SZ];
	} handles[MAX_HANDLES];
	int nhandles;
	unsigned int rename;
};

static inline __printf(2, 3)
void note(struct record *r, const char *format, ...)
{
	size_t room = sizeof(r->text) - r->len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(r->text + r->len, room, format, args);
	va_end(args);
	r->len += len < (int)room ? len : room - 1;
}

/* Where two texts part: the line, or NULL if they do not. */
static inline char *first_difference(char *a, const char *b)
{
	char *line = a;

	for (; *a == *b; a++, b++) {
		if (!*a)
			return NULL;
		if (*a == '\n')
			line = a + 1;
	}
	return line;
}

static inline int handle_number(struct record *r, const struct file_handle *fh)
{
	int i;

	for (i = 0; i < r->nhandles; i++) {
		if (r->handles[i].bytes == fh->handle_bytes &&
		    !memcmp(r->handles[i].handle, fh->f_handle,
			    fh->handle_bytes))
			return i;
	}
	if (i == MAX_HANDLES || fh->handle_bytes > MAX_HANDLE_SZ)
		return -1;
	r->handles[i].bytes = fh->handle_bytes;
	memcpy(r->handles[i].handle, fh->f_handle, fh->handle_bytes);
	r->nhandles++;
	return i;
}

/* Whose file that is, without a look into it. */
static inline char *name_of(int fd, char *name, size_t size)
{
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, name, size - 1);
	name[len > 0 ? len : 0] = 0;
	return name;
}

static inline void take_inotify(struct record *r, int fd)
{
	const struct inotify_event *ev;
	__u64 buf[512];
	ssize_t len, pos;

	while ((len = read(fd, buf, sizeof(buf))) > 0) {
		for (pos = 0; pos < len; pos += sizeof(*ev) + ev->len) {
			ev = (const void *)((const char *)buf + pos);
			note(r, "  wd %d mask %x %s%s\n", ev->wd, ev->mask,
			     ev->len ? ev->name : "-", !ev->cookie ? "" :
			     ev->cookie == r->rename ? " same" : " new");
			r->rename = ev->cookie;
		}
	}
}

static inline void take_dnotify(struct record *r, int fd)
{
	struct timespec zero = {};
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, DIR_SIGNAL);
	while (sigtimedwait(&set, &info, &zero) > 0)
		note(r, "  signal %s band %lx\n",
		     info.si_fd == fd ? "of the directory" : "?",
		     info.si_band);
}

/* The records after the event: of which file or which name it tells. */
static inline void note_info(struct record *r, const char *p, const char *end)
{
	const struct fanotify_event_info_fid *fid;
	const struct file_handle *fh;

	for (; p < end; p += fid->hdr.len) {
		fid = (const struct fanotify_event_info_fid *)p;
		fh = (const struct file_handle *)fid->handle;
		note(r, " info %d file %d %s", fid->hdr.info_type,
		     handle_number(r, fh),
		     fid->hdr.info_type == FAN_EVENT_INFO_TYPE_FID ||
		     fid->hdr.info_type == FAN_EVENT_INFO_TYPE_DFID ? "-" :
		     (char *)fh->f_handle + fh->handle_bytes);
	}
}

static inline void take_fanotify(struct record *r, int fd)
{
	const struct fanotify_event_metadata *ev;
	char name[128];
	__u64 buf[512];
	ssize_t len;

	while ((len = read(fd, buf, sizeof(buf))) > 0) {
		ev = (const struct fanotify_event_metadata *)buf;
		for (; FAN_EVENT_OK(ev, len); ev = FAN_EVENT_NEXT(ev, len)) {
			note(r, "  mask %llx by %s",
			     (unsigned long long)ev->mask,
			     ev->pid == getpid() ? "me" : "another");
			if (ev->fd >= 0) {
				note(r, " %s", name_of(ev->fd, name,
						       sizeof(name)));
				close(ev->fd);
			}
			note_info(r, (const char *)ev + ev->metadata_len,
				  (const char *)ev + ev->event_len);
			note(r, "\n");
		}
	}
}

static inline int start_inotify(const char *dir, const char *file)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (file && inotify_add_watch(fd, file, IN_ALL_EVENTS) < 0)
		return -errno;
	if (dir && inotify_add_watch(fd, dir, IN_ALL_EVENTS) < 0)
		return -errno;
	return fd;
}

static inline int start_inotify_file(const char *dir, const char *file)
{
	return start_inotify(NULL, file);
}

static inline int start_inotify_dir(const char *dir, const char *file)
{
	return start_inotify(dir, NULL);
}

/* The first read is the last that it hears. */
static inline int start_inotify_oneshot(const char *dir, const char *file)
{
	int fd = start_inotify(dir, NULL);

	if (fd >= 0 && inotify_add_watch(fd, file, IN_ACCESS | IN_ONESHOT) < 0)
		return -errno;
	return fd;
}

static inline int start_dnotify(const char *dir, const char *file)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, DIR_SIGNAL);
	if (sigprocmask(SIG_BLOCK, &set, NULL) ||
	    fcntl(fd, F_SETSIG, DIR_SIGNAL) ||
	    fcntl(fd, F_NOTIFY, DN_ACCESS | DN_MODIFY | DN_CREATE | DN_DELETE |
		  DN_RENAME | DN_ATTRIB | DN_MULTISHOT))
		return -errno;
	return fd;
}

static inline int fan_group(unsigned int flags)
{
	return result(fanotify_init(flags | FAN_NONBLOCK | FAN_CLOEXEC,
				    O_RDONLY | O_CLOEXEC | O_LARGEFILE));
}

static inline int fan_mark(int fd, unsigned int flags, __u64 mask,
			   const char *path)
{
	return result(fanotify_mark(fd, FAN_MARK_ADD | flags, mask, AT_FDCWD,
				    path));
}

static inline int start_inodes(unsigned int class, __u64 mask,
			       const char *dir, const char *file)
{
	int fd = fan_group(class);
	int ret;

	ret = fd < 0 ? fd : fan_mark(fd, 0, mask, file);
	if (!ret)
		ret = fan_mark(fd, 0, mask | FAN_ONDIR | FAN_EVENT_ON_CHILD,
			       dir);
	return ret ?: fd;
}

static inline int start_marked(unsigned int class, unsigned int flags,
			       __u64 mask, const char *path)
{
	int fd = fan_group(class);
	int ret = fd < 0 ? fd : fan_mark(fd, flags, mask, path);

	return ret ?: fd;
}

static inline int start_notify_inode(const char *dir, const char *file)
{
	return start_inodes(FAN_CLASS_NOTIF, NOTIFY_EVENTS, dir, file);
}

static inline int start_content_inode(const char *dir, const char *file)
{
	return start_inodes(FAN_CLASS_CONTENT, NOTIFY_EVENTS, dir, file);
}

static inline int start_notify_mount(const char *dir, const char *file)
{
	return start_marked(FAN_CLASS_NOTIF, FAN_MARK_MOUNT,
			    NOTIFY_EVENTS | FAN_ONDIR, dir);
}

static inline int start_content_mount(const char *dir, const char *file)
{
	return start_marked(FAN_CLASS_CONTENT, FAN_MARK_MOUNT,
			    NOTIFY_EVENTS | FAN_ONDIR, dir);
}

static inline int start_notify_sb(const char *dir, const char *file)
{
	return start_marked(FAN_CLASS_NOTIF, FAN_MARK_FILESYSTEM,
			    NOTIFY_EVENTS | FAN_ONDIR, dir);
}

static inline int start_content_sb(const char *dir, const char *file)
{
	return start_marked(FAN_CLASS_CONTENT, FAN_MARK_FILESYSTEM,
			    NOTIFY_EVENTS | FAN_ONDIR, dir);
}

static inline int start_fid_inode(const char *dir, const char *file)
{
	return start_inodes(FAN_CLASS_NOTIF | FAN_REPORT_FID, FID_EVENTS, dir,
			    file);
}

static inline int start_name_sb(const char *dir, const char *file)
{
	return start_marked(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME,
			    FAN_MARK_FILESYSTEM,
			    FID_EVENTS | FAN_RENAME | FAN_ONDIR, dir);
}

/* Hears of the file only after it was written to. */
static inline int start_ignoring(const char *dir, const char *file)
{
	int fd = start_inodes(FAN_CLASS_NOTIF, NOTIFY_EVENTS, dir, file);
	int ret;

	ret = fd < 0 ? fd : fan_mark(fd, FAN_MARK_IGNORED_MASK,
				     FAN_OPEN | FAN_ACCESS | FAN_CLOSE, file);
	return ret ?: fd;
}

/**
 * struct subject - one who listens
 *
 * @start: Begins to listen to the file and its directory: an fd or -errno.
 * @take: Records all that it has heard by now.
 */
struct subject {
	int (*start)(const char *dir, const char *file);
	void (*take)(struct record *r, int fd);
};

#define SUBJECT(name, how) \
	static const struct subject name = { \
		.start = start_##name, \
		.take = take_##how, \
	}

SUBJECT(inotify_file, inotify);
SUBJECT(inotify_dir, inotify);
SUBJECT(inotify_oneshot, inotify);
SUBJECT(dnotify, dnotify);
SUBJECT(notify_inode, fanotify);
SUBJECT(notify_mount, fanotify);
SUBJECT(notify_sb, fanotify);
SUBJECT(content_inode, fanotify);
SUBJECT(content_mount, fanotify);
SUBJECT(content_sb, fanotify);
SUBJECT(fid_inode, fanotify);
SUBJECT(name_sb, fanotify);
SUBJECT(ignoring, fanotify);

#endif /* FANOTIFY_TEST_SUBJECT_H */
