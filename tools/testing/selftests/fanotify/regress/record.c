// SPDX-License-Identifier: GPL-2.0
/* What a read of a group of the system calls has in it */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "regress.h"

const struct bit fan_bits[] = {
	{ FAN_OPEN, "OPEN" },
	{ FAN_OPEN_EXEC, "OPEN_EXEC" },
	{ FAN_ACCESS, "ACCESS" },
	{ FAN_MODIFY, "MODIFY" },
	{ FAN_CLOSE_WRITE, "CLOSE_WRITE" },
	{ FAN_CLOSE_NOWRITE, "CLOSE_NOWRITE" },
	{ FAN_ATTRIB, "ATTRIB" },
	{ FAN_CREATE, "CREATE" },
	{ FAN_DELETE, "DELETE" },
	{ FAN_DELETE_SELF, "DELETE_SELF" },
	{ FAN_MOVED_FROM, "MOVED_FROM" },
	{ FAN_MOVED_TO, "MOVED_TO" },
	{ FAN_MOVE_SELF, "MOVE_SELF" },
	{ FAN_RENAME, "RENAME" },
	{ FAN_FS_ERROR, "FS_ERROR" },
	{ FAN_Q_OVERFLOW, "Q_OVERFLOW" },
	{ FAN_OPEN_PERM, "OPEN_PERM" },
	{ FAN_OPEN_EXEC_PERM, "OPEN_EXEC_PERM" },
	{ FAN_ACCESS_PERM, "ACCESS_PERM" },
	{ FAN_EVENT_ON_CHILD, "EVENT_ON_CHILD" },
	{ FAN_ONDIR, "ONDIR" },
	{ }
};

static const struct bit types[] = {
	{ FAN_EVENT_INFO_TYPE_FID, "FID" },
	{ FAN_EVENT_INFO_TYPE_DFID_NAME, "DFID_NAME" },
	{ FAN_EVENT_INFO_TYPE_DFID, "DFID" },
	{ FAN_EVENT_INFO_TYPE_PIDFD, "PIDFD" },
	{ FAN_EVENT_INFO_TYPE_ERROR, "ERROR" },
	{ FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, "OLD_DFID_NAME" },
	{ FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, "NEW_DFID_NAME" },
	{ }
};

static const char *type_name(int type)
{
	static char number[12];
	int i;

	for (i = 0; types[i].name; i++) {
		if (types[i].bit == type)
			return types[i].name;
	}
	snprintf(number, sizeof(number), "%d", type);
	return number;
}

static void tell_handle(const struct fanotify_event_info_fid *fid, size_t len)
{
	const struct file_handle *fh = (const struct file_handle *)fid->handle;
	size_t i, before = sizeof(*fid) + sizeof(*fh) + fh->handle_bytes;
	const char *rest = (const char *)fid + before;
	char hex[2 * MAX_HANDLE_SZ + 1] = "";

	if (before > len || fh->handle_bytes > MAX_HANDLE_SZ)
		fail("a record is too short");
	for (i = 0; i < fh->handle_bytes; i++)
		sprintf(hex + 2 * i, "%02x", fh->f_handle[i]);
	tell(" %s type %#x bytes %u %s",
	     name_of(NAME_FSID, "%x.%x", fid->fsid.val[0], fid->fsid.val[1]),
	     fh->handle_type, fh->handle_bytes, name_of(NAME_HANDLE, "%s", hex));
	if (fid->hdr.info_type != FAN_EVENT_INFO_TYPE_FID &&
	    fid->hdr.info_type != FAN_EVENT_INFO_TYPE_DFID) {
		tell(" '%.*s'", (int)(len - before), rest);
		before += strnlen(rest, len - before) + 1;
	}
	/* It is padded with 0. */
	for (i = before; i < len; i++) {
		if (((const char *)fid)[i])
			tell(" pad[%zu]=%#x", i - before,
			     ((const unsigned char *)fid)[i]);
	}
}

static void tell_pidfd(const struct fanotify_event_info_pidfd *info)
{
	char path[64], line[128];
	int pid = -2;
	FILE *f;

	if (info->pidfd < 0) {
		tell(" %d", info->pidfd);
		return;
	}
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", info->pidfd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "Pid:", 4))
			pid = atoi(line + 4);
	}
	if (f)
		fclose(f);
	tell(" of %s", name_of_pid(pid));
	close(info->pidfd);
}

static void tell_record(const struct fanotify_event_info_header *hdr)
{
	tell(" {%s len %d pad %d", type_name(hdr->info_type), hdr->len,
	     hdr->pad);
	if (hdr->info_type == FAN_EVENT_INFO_TYPE_PIDFD)
		tell_pidfd((const void *)hdr);
	else if (hdr->info_type != FAN_EVENT_INFO_TYPE_ERROR)
		tell_handle((const void *)hdr, hdr->len);
	tell("}");
}

void tell_event(const char *who, const struct fanotify_event_metadata *ev)
{
	const char *p = (const char *)ev + ev->metadata_len;
	const char *end = (const char *)ev + ev->event_len;
	const struct fanotify_event_info_header *hdr;

	tell("  %s: ", who);
	tell_bits(fan_bits, ev->mask);
	tell(" len %u vers %u reserved %u meta %u %s ", ev->event_len, ev->vers,
	     ev->reserved, ev->metadata_len, name_of_pid(ev->pid));
	tell_fd(ev->fd);
	for (; p + sizeof(*hdr) <= end; p += hdr->len) {
		hdr = (const struct fanotify_event_info_header *)p;
		if (hdr->len < sizeof(*hdr))
			fail("a record has no length");
		tell_record(hdr);
	}
}

void tell_group(const char *who, int group)
{
	const struct fanotify_event_metadata *ev;
	uint64_t buf[1024];
	ssize_t len;

	while ((len = read(group, buf, sizeof(buf))) > 0) {
		ev = (const struct fanotify_event_metadata *)buf;
		for (; FAN_EVENT_OK(ev, len); ev = FAN_EVENT_NEXT(ev, len)) {
			tell_event(who, ev);
			tell("\n");
			if (ev->fd >= 0)
				close(ev->fd);
		}
	}
	if (len < 0 && errno != EAGAIN) {
		tell("  %s: read ", who);
		tell_result(-errno);
		tell("\n");
	}
}
