/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: events with records, and what the records say
 */
#ifndef FANOTIFY_TEST_RECORDS_H
#define FANOTIFY_TEST_RECORDS_H

#include "perm.h"

/* What each of the records begins, and ends, at a multiple of. */
#define RECORD_ALIGN 8

/* The bits of FANOTIFY_REPORT that ask for handles */
#define REPORT_HANDLES (FAN_REPORT_FID | FAN_REPORT_DIR_FID | \
			FAN_REPORT_NAME | FAN_REPORT_TARGET_FID)

/* What happens to the entries of a directory, and to what nobody has open */
#define ENTRY_EVENTS (FAN_CREATE | FAN_DELETE | FAN_MOVE | FAN_RENAME)
#define SELF_EVENTS (FAN_ATTRIB | FAN_DELETE_SELF | FAN_MOVE_SELF)

/**
 * struct reader - reads the events of a socket one by one
 *
 * @sock: The socket.
 * @pos: Where in @buf the next event is.
 * @len: How much of @buf was read.
 * @buf: As many events as came with one read.
 *
 * Paths are those of the moment when an event is read, so it matters that
 * nothing is read before the test asks for it: @buf is used up first.
 */
struct reader {
	int sock;
	size_t pos;
	size_t len;
	__u64 buf[2 * FAN_SO_MAX_EVENT_LEN / sizeof(__u64)];
};

static inline const char *event_end(const struct fanotify_so_event_metadata *ev)
{
	return (const char *)ev + ev->event_len;
}

static inline const struct fanotify_event_info_header *
first_record(const struct fanotify_so_event_metadata *ev)
{
	return (const void *)(ev + 1);
}

static inline const struct fanotify_event_info_header *
next_record(const struct fanotify_event_info_header *hdr)
{
	return (const void *)((const char *)hdr + hdr->len);
}

static inline bool is_record(const struct fanotify_so_event_metadata *ev,
			     const struct fanotify_event_info_header *hdr)
{
	return (const char *)hdr < event_end(ev);
}

/* The record of this type, or NULL */
static inline const void *
find_record(const struct fanotify_so_event_metadata *ev, int type)
{
	const struct fanotify_event_info_header *hdr = first_record(ev);

	while (is_record(ev, hdr) && hdr->info_type != type)
		hdr = next_record(hdr);
	return is_record(ev, hdr) ? hdr : NULL;
}

static inline int count_records(const struct fanotify_so_event_metadata *ev)
{
	const struct fanotify_event_info_header *hdr = first_record(ev);
	int nr = 0;

	for (; is_record(ev, hdr); hdr = next_record(hdr))
		nr++;
	return nr;
}

static inline const struct fanotify_event_info_path *
path_record(const struct fanotify_so_event_metadata *ev, int type)
{
	return find_record(ev, type);
}

static inline const struct fanotify_event_info_fid *
fid_record(const struct fanotify_so_event_metadata *ev, int type)
{
	return find_record(ev, type);
}

static inline const struct file_handle *
handle_of(const struct fanotify_event_info_fid *fid)
{
	return (const void *)fid->handle;
}

static inline bool has_name(int type)
{
	return type == FAN_EVENT_INFO_TYPE_DFID_NAME ||
	       type == FAN_EVENT_INFO_TYPE_OLD_DFID_NAME ||
	       type == FAN_EVENT_INFO_TYPE_NEW_DFID_NAME;
}

/* The name behind the handle, or NULL for a type that has none */
static inline const char *
name_behind(const struct fanotify_event_info_fid *fid)
{
	const struct file_handle *fh = handle_of(fid);

	return has_name(fid->hdr.info_type) ?
	       (const char *)fh->f_handle + fh->handle_bytes : NULL;
}

/* The pidfd that came with the event, or -1000 if it has no such record */
static inline int pidfd_of(const struct fanotify_so_event_metadata *ev)
{
	const struct fanotify_event_info_pidfd *info =
		find_record(ev, FAN_EVENT_INFO_TYPE_PIDFD);

	return info ? info->pidfd : -1000;
}

/* Closes whatever descriptors came with the event. */
static inline void close_told(const struct fanotify_so_event_metadata *ev)
{
	close_event(ev);
	if (pidfd_of(ev) >= 0)
		close(pidfd_of(ev));
}

/* In this order they come, each at most once; 0 for a type that is unknown. */
static inline int rank_of(int type)
{
	switch (type) {
	case FAN_EVENT_INFO_TYPE_PATH:
	case FAN_EVENT_INFO_TYPE_OLD_PATH:
		return 1;
	case FAN_EVENT_INFO_TYPE_NEW_PATH:
		return 2;
	case FAN_EVENT_INFO_TYPE_DFID:
	case FAN_EVENT_INFO_TYPE_DFID_NAME:
	case FAN_EVENT_INFO_TYPE_OLD_DFID:
	case FAN_EVENT_INFO_TYPE_OLD_DFID_NAME:
		return 3;
	case FAN_EVENT_INFO_TYPE_NEW_DFID:
	case FAN_EVENT_INFO_TYPE_NEW_DFID_NAME:
		return 4;
	case FAN_EVENT_INFO_TYPE_FID:
		return 5;
	case FAN_EVENT_INFO_TYPE_PIDFD:
		return 6;
	default:
		return 0;
	}
}

/* How much of the record means something; SIZE_MAX if it says too much. */
static inline size_t bytes_used(const struct fanotify_event_info_header *hdr)
{
	const struct fanotify_event_info_path *path = (const void *)hdr;
	const struct fanotify_event_info_fid *fid = (const void *)hdr;
	const struct file_handle *fh = handle_of(fid);
	size_t used;

	switch (rank_of(hdr->info_type)) {
	case 1:
	case 2:
		used = sizeof(*path);
		if (hdr->len <= used)
			return SIZE_MAX;
		return used + strnlen(path->path, hdr->len - used) + 1;
	case 6:
		return sizeof(struct fanotify_event_info_pidfd);
	}
	used = sizeof(*fid) + sizeof(*fh);
	if (hdr->len < used || fh->handle_bytes > MAX_HANDLE_SZ)
		return SIZE_MAX;
	used += fh->handle_bytes;
	if (!has_name(hdr->info_type))
		return used;
	if (hdr->len <= used)
		return SIZE_MAX;
	return used + strnlen(name_behind(fid), hdr->len - used) + 1;
}

/* Is the event in order, down to the bytes behind its records? 0 or -EPROTO */
static inline int check_records(const struct fanotify_so_event_metadata *ev)
{
	const struct fanotify_event_info_header *hdr = first_record(ev);
	int last = 0;

	for (; is_record(ev, hdr); hdr = next_record(hdr)) {
		size_t left = event_end(ev) - (const char *)hdr;
		size_t used;

		if (left < RECORD_ALIGN || hdr->len > left || !hdr->len ||
		    hdr->len % RECORD_ALIGN || hdr->pad ||
		    rank_of(hdr->info_type) <= last)
			return -EPROTO;
		used = bytes_used(hdr);
		if (used > hdr->len || hdr->len - used >= RECORD_ALIGN)
			return -EPROTO;
		for (; used < hdr->len; used++) {
			if (((const char *)hdr)[used])
				return -EPROTO;
		}
		last = rank_of(hdr->info_type);
	}
	return 0;
}

static inline void reader_init(struct reader *r, int sock)
{
	r->sock = sock;
	r->pos = 0;
	r->len = 0;
}

/*
 * Takes one event if one is queued. 1, 0 for an empty queue, or -errno: -EPROTO
 * for one that is not in order. It stays where it is until the next one is
 * taken. Where there is none, @ev is one that says nothing.
 */
static inline int take_told(struct reader *r,
			    const struct fanotify_so_event_metadata **ev)
{
	static const struct fanotify_so_event_metadata nothing = {
		.event_len = FAN_SO_EVENT_LEN,
		.fd = FAN_NOFD,
	};
	const struct fanotify_so_event_metadata *next;
	size_t left;

	*ev = &nothing;
	if (r->pos == r->len) {
		ssize_t len = recv(r->sock, r->buf, sizeof(r->buf),
				   MSG_DONTWAIT);

		if (len < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (!len)
			return -EPIPE;
		r->pos = 0;
		r->len = len;
	}
	next = (const void *)((char *)r->buf + r->pos);
	left = r->len - r->pos;
	if (!FAN_SO_EVENT_OK(next, left) || check_records(next)) {
		r->pos = r->len;
		return -EPROTO;
	}
	r->pos += next->event_len;
	*ev = next;
	return 1;
}

/* Waits for the next one. 0 or -errno */
static inline int await_told(struct reader *r,
			     const struct fanotify_so_event_metadata **ev)
{
	struct pollfd pfd = { .fd = r->sock, .events = POLLIN };
	int ret = take_told(r, ev);

	if (ret)
		return ret < 0 ? ret : 0;
	ret = poll(&pfd, 1, WAIT_MS);
	if (ret <= 0)
		return ret ? -errno : -ETIMEDOUT;
	ret = take_told(r, ev);
	return ret > 0 ? 0 : ret ?: -EAGAIN;
}

/* Takes all that is queued: how many there were, or -errno */
static inline int drain_told(struct reader *r)
{
	const struct fanotify_so_event_metadata *ev;
	int ret, nr = 0;

	while ((ret = take_told(r, &ev)) > 0) {
		close_told(ev);
		nr++;
	}
	return ret ?: nr;
}

static inline int set_report(int sock, __u32 report)
{
	return set_u32(sock, FANOTIFY_REPORT, report);
}

static inline long get_report(int sock)
{
	return get_u32(sock, FANOTIFY_REPORT);
}

/* A listener whose events have these records, or -errno */
static inline int telling_listener(__u32 mask, __u32 report)
{
	struct fanotify_addr addr = address(mask, O_RDONLY | O_CLOEXEC);
	int sock = new_socket();
	int ret;

	if (sock < 0)
		return sock;
	ret = set_report(sock, report) ?: do_bind(sock, &addr);
	if (!ret)
		return sock;
	close(sock);
	return ret;
}

#endif /* FANOTIFY_TEST_RECORDS_H */
