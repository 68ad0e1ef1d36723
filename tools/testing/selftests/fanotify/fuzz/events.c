// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY fuzz: are they events?
 */
#include "fuzz.h"

#define KNOWN_PATH_FLAGS (FAN_PATH_DELETED | FAN_PATH_UNREACHABLE | \
			  FAN_PATH_UNKNOWN | FAN_PATH_TOO_LONG)

static bool is_zero(const char *p, const char *end)
{
	while (p < end && !*p)
		p++;
	return p >= end;
}

static void check_path(struct task *t, const struct fanotify_event_info_path *r,
		       const char *end)
{
	const char *nul = memchr(r->path, 0, end - r->path);

	if (r->flags & ~KNOWN_PATH_FLAGS || !nul || !is_zero(nul, end) ||
	    end - nul > 8)
		found(t, "a record of a path has flags %#x and %td bytes",
		      r->flags, end - (char *)r);
	if (!*r->path != !!(r->flags & (FAN_PATH_UNKNOWN | FAN_PATH_TOO_LONG)))
		found(t, "flags %#x, and the path is \"%s\"", r->flags, r->path);
}

static void check_fid(struct task *t, const struct fanotify_event_info_fid *r,
		      const char *end)
{
	const struct file_handle *handle = (const void *)r->handle;
	const char *name = (const char *)handle->f_handle;
	bool named = r->hdr.info_type != FAN_EVENT_INFO_TYPE_FID &&
		     r->hdr.info_type != FAN_EVENT_INFO_TYPE_DFID &&
		     r->hdr.info_type != FAN_EVENT_INFO_TYPE_OLD_DFID &&
		     r->hdr.info_type != FAN_EVENT_INFO_TYPE_NEW_DFID;

	if (name > end || handle->handle_bytes > MAX_HANDLE_SZ ||
	    handle->handle_bytes > end - name)
		found(t, "a record of type %d has %td bytes, its handle %u",
		      r->hdr.info_type, end - (char *)r,
		      handle->handle_bytes);
	name += handle->handle_bytes;
	if (named)
		name = memchr(name, 0, end - name);
	if (!name || !is_zero(name, end) || end - name > 8)
		found(t, "a record of type %d does not end well",
		      r->hdr.info_type);
}

static void check_pidfd(struct task *t,
			const struct fanotify_event_info_pidfd *r)
{
	if (r->pidfd >= 0 && close(r->pidfd))
		found(t, "pidfd %d: %m", r->pidfd);
	if (r->pidfd < 0 && r->pidfd != FAN_NOPIDFD && r->pidfd != FAN_EPIDFD)
		found(t, "pidfd %d", r->pidfd);
}

static void check_record(struct task *t,
			 const struct fanotify_event_info_header *r,
			 const char *end)
{
	switch (r->info_type) {
	case FAN_EVENT_INFO_TYPE_PATH:
	case FAN_EVENT_INFO_TYPE_OLD_PATH:
	case FAN_EVENT_INFO_TYPE_NEW_PATH:
		check_path(t, (const void *)r, end);
		break;
	case FAN_EVENT_INFO_TYPE_FID:
	case FAN_EVENT_INFO_TYPE_DFID:
	case FAN_EVENT_INFO_TYPE_OLD_DFID:
	case FAN_EVENT_INFO_TYPE_NEW_DFID:
	case FAN_EVENT_INFO_TYPE_DFID_NAME:
	case FAN_EVENT_INFO_TYPE_OLD_DFID_NAME:
	case FAN_EVENT_INFO_TYPE_NEW_DFID_NAME:
		check_fid(t, (const void *)r, end);
		break;
	case FAN_EVENT_INFO_TYPE_PIDFD:
		check_pidfd(t, (const void *)r);
		break;
	default:
		found(t, "a record of type %d", r->info_type);
	}
}

static void check_records(struct task *t, const char *p, const char *end)
{
	const struct fanotify_event_info_header *r;

	while (p < end) {
		r = (const void *)p;
		if (end - p < (long)sizeof(*r) || r->pad || !r->len ||
		    r->len % 8 || r->len > end - p)
			found(t, "a record of type %d, pad %d, %d of %td bytes",
			      r->info_type, r->pad, r->len, end - p);
		p += r->len;
		check_record(t, r, p);
	}
}

static bool is_event(const struct fanotify_so_event_metadata *ev)
{
	__u32 questions = ev->mask & ALL_PERM;
	__u32 what = ev->mask & ~FAN_ONDIR;

	if (ev->fd < -4095)
		return false;
	if (questions)
		return what == questions && ev->cookie &&
		       !(questions & (questions - 1));
	if (what & FAN_Q_OVERFLOW)
		return ev->mask == FAN_Q_OVERFLOW && ev->fd == FAN_NOFD &&
		       ev->cookie && ev->event_len == FAN_SO_EVENT_LEN;
	return what && !ev->cookie && !(what & ~(ALL_EVENTS | WHERE_EVENTS));
}

static void treat_fd(struct task *t, int fd)
{
	switch (below(t, 8)) {
	case 0:
		keep(t, t->seen, NR_SEEN, fd);
		return;
	case 1:
		pass_fd(t, fd);
		break;
	}
	close(fd);
}

static void remember(struct task *t, struct own *own, __u64 cookie)
{
	shared->cookies[below(t, NR_COOKIES)] = cookie;
	if (own->nr_pending < NR_PENDING)
		own->pending[own->nr_pending++] = cookie;
	else
		own->pending[below(t, NR_PENDING)] = cookie;
}

/* And what is to be done about them. */
void check_events(struct task *t, struct own *own, const void *buf, size_t len)
{
	const struct fanotify_so_event_metadata *ev = buf;

	for (; FAN_SO_EVENT_OK(ev, len); ev = FAN_SO_EVENT_NEXT(ev, len)) {
		if (!is_event(ev) || ev->event_len % 8 ||
		    ev->event_len > FAN_SO_MAX_EVENT_LEN)
			found(t, "an event of %u bytes: mask %#x, fd %d, cookie %llu",
			      ev->event_len, ev->mask, ev->fd,
			      (unsigned long long)ev->cookie);
		check_records(t, (const char *)(ev + 1),
			      (const char *)ev + ev->event_len);
		if (ev->mask & ALL_PERM)
			remember(t, own, ev->cookie);
		if (ev->fd >= 0 && fcntl(ev->fd, F_GETFD) < 0)
			found(t, "an event with fd %d: %m", ev->fd);
		if (ev->fd >= 0)
			treat_fd(t, ev->fd);
	}
	if (len)
		found(t, "%zu bytes after the last event", len);
	answer_pending(t, own);
}
