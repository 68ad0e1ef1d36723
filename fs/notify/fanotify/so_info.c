// SPDX-License-Identifier: GPL-2.0
/*
 * What an event tells of its file besides a descriptor: who it is, as a handle,
 * and what it was called. That is encoded when it happens, for the next moment
 * it may be called otherwise or be gone; only of an operation that waits is it
 * encoded when it is read, because there the memory is the reader's.
 */
#include <linux/dcache.h>
#include <linux/exportfs.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "so.h"

static const struct qstr so_dot = QSTR_INIT(".", 1);

/*
 * One record: of which type, which inode's handle, with which name, and how
 * long the handle is, in bytes; 0 if there is none to be had
 */
struct so_fid {
	u8 type;
	struct inode *inode;
	const struct qstr *name;
	unsigned int bytes;
};

/* Who is told of in the records of an event, as in fanotify_init(2) */
static unsigned int so_list_dirent(u32 report,
				   const struct fanotify_so_subject *sub,
				   u32 mask, struct so_fid *fid)
{
	const bool named = report & FAN_REPORT_NAME;
	const struct so_fid *first = fid;

	if (!(report & FAN_REPORT_DIR_FID)) {
		*fid++ = (struct so_fid){
			FAN_EVENT_INFO_TYPE_FID, sub->dir ?: sub->new_dir };
		return fid - first;
	}
	if (mask & FAN_RENAME) {
		if (sub->dir)
			*fid++ = (struct so_fid){
				named ? FAN_EVENT_INFO_TYPE_OLD_DFID_NAME :
					FAN_EVENT_INFO_TYPE_OLD_DFID,
				sub->dir, named ? sub->name : NULL };
		if (sub->new_dir)
			*fid++ = (struct so_fid){
				named ? FAN_EVENT_INFO_TYPE_NEW_DFID_NAME :
					FAN_EVENT_INFO_TYPE_NEW_DFID,
				sub->new_dir, named ? sub->new_name : NULL };
	} else {
		*fid++ = (struct so_fid){
			named ? FAN_EVENT_INFO_TYPE_DFID_NAME :
				FAN_EVENT_INFO_TYPE_DFID,
			sub->dir, named ? sub->name : NULL };
	}
	if (report & FAN_REPORT_TARGET_FID && sub->inode)
		*fid++ = (struct so_fid){ FAN_EVENT_INFO_TYPE_FID, sub->inode };
	return fid - first;
}

static unsigned int so_list_file(u32 report,
				 const struct fanotify_so_subject *sub,
				 struct so_fid *fid)
{
	const bool named = report & FAN_REPORT_NAME;
	const struct so_fid *first = fid;

	if (report & FAN_REPORT_DIR_FID && S_ISDIR(sub->inode->i_mode)) {
		*fid++ = (struct so_fid){
			named ? FAN_EVENT_INFO_TYPE_DFID_NAME :
				FAN_EVENT_INFO_TYPE_DFID,
			sub->inode, named ? &so_dot : NULL };
		return fid - first;
	}
	if (report & FAN_REPORT_DIR_FID && sub->dir)
		*fid++ = (struct so_fid){
			named ? FAN_EVENT_INFO_TYPE_DFID_NAME :
				FAN_EVENT_INFO_TYPE_DFID,
			sub->dir, named ? sub->name : NULL };
	if (report & FAN_REPORT_FID)
		*fid++ = (struct so_fid){ FAN_EVENT_INFO_TYPE_FID, sub->inode };
	return fid - first;
}

static unsigned int so_handle_len(struct inode *inode)
{
	int dwords = 0;

	exportfs_encode_fid(inode, NULL, &dwords);
	return dwords > 0 && dwords << 2 <= MAX_HANDLE_SZ ? dwords << 2 : 0;
}

static unsigned int so_list(u32 report, const struct fanotify_so_subject *sub,
			    u32 mask, struct so_fid *fids)
{
	unsigned int i, nr;

	if (!(report & FANOTIFY_FID_BITS))
		return 0;
	nr = mask & FANOTIFY_DIRENT_EVENTS ?
		     so_list_dirent(report, sub, mask, fids) :
		     so_list_file(report, sub, fids);
	for (i = 0; i < nr; i++)
		fids[i].bytes = so_handle_len(fids[i].inode);
	return nr;
}

static unsigned int so_fid_len(const struct so_fid *fid)
{
	return ALIGN(sizeof(struct fanotify_event_info_fid) +
		     sizeof(struct file_handle) + fid->bytes +
		     (fid->name ? fid->name->len + 1 : 0),
		     FANOTIFY_SO_RECORD_ALIGN);
}

/* Returns its type; FILEID_INVALID, and no bytes, if there is none after all. */
static int so_encode_handle(struct so_fid *fid, unsigned char *buf)
{
	int type = 0, dwords = fid->bytes >> 2;

	if (dwords)
		type = exportfs_encode_fid(fid->inode, (struct fid *)buf,
					   &dwords);
	if (type > 0 && type < FILEID_INVALID && dwords << 2 == fid->bytes)
		return type;
	memset(buf, 0, fid->bytes);
	fid->bytes = 0;
	return FILEID_INVALID;
}

static unsigned int so_encode_fid(struct so_fid *fid, __kernel_fsid_t fsid,
				  u8 *buf)
{
	struct fanotify_event_info_fid *info = (void *)buf;
	struct file_handle *handle = (void *)info->handle;

	memset(buf, 0, so_fid_len(fid));
	info->hdr.info_type = fid->type;
	info->fsid = fsid;
	handle->handle_type = so_encode_handle(fid, handle->f_handle);
	handle->handle_bytes = fid->bytes;
	if (fid->name)
		memcpy(handle->f_handle + fid->bytes, fid->name->name,
		       fid->name->len);
	info->hdr.len = so_fid_len(fid);
	return info->hdr.len;
}

static unsigned int so_encode_fids(struct so_fid *fids, unsigned int nr,
				   __kernel_fsid_t fsid, u8 *buf)
{
	unsigned int i, len = 0;

	for (i = 0; i < nr; i++)
		len += so_encode_fid(&fids[i], fsid, buf + len);
	return len;
}

/*
 * For a path that is told when the event is read: a dentry, and some mount that
 * keeps its file system there, as that of an open file does.
 */
static void so_hold(struct path *path, struct dentry *dentry)
{
	if (!dentry)
		return;
	path->mnt = fanotify_so_get_any_mount(dentry->d_sb);
	/* One whose file system is just being taken down has no path any more. */
	if (path->mnt)
		path->dentry = dentry;
	else
		dput(dentry);
}

static void so_hold_dir(struct path *path, struct inode *dir)
{
	so_hold(path, d_find_any_alias(dir));
}

static char *so_copy_name(char *to, const struct qstr *name)
{
	memcpy(to, name->name, name->len);
	to[name->len] = 0;
	return to + name->len + 1;
}

static void so_info_set_paths(struct fanotify_so_info *info,
			      const struct fanotify_so_subject *sub, u32 mask)
{
	char *at = (char *)info->records + info->records_len;

	if (!(mask & FANOTIFY_DIRENT_EVENTS)) {
		/*
		 * Any other may have several names, and which is not known. One
		 * that a rename is just replacing must go with that, as it does
		 * for those who listen by other means: not when this is read.
		 */
		if (sub->dentry)
			so_hold(&info->path, dget(sub->dentry));
		else if (S_ISDIR(sub->inode->i_mode) && !IS_DEADDIR(sub->inode))
			so_hold_dir(&info->path, sub->inode);
		return;
	}
	if (sub->dir) {
		so_hold_dir(&info->path, sub->dir);
		info->name = at;
		at = so_copy_name(at, sub->name);
	}
	if (sub->new_dir) {
		so_hold_dir(&info->new_path, sub->new_dir);
		info->new_name = at;
		so_copy_name(at, sub->new_name);
	}
}

/**
 * fanotify_so_info_alloc - note what an event has to tell
 * @report: what is wanted: FAN_REPORT_* bits, not 0
 * @sub: what the event is about
 * @mask: what happened
 * @fsid: the file system
 * @gfp: for the memory, which the caller's memory cgroup pays for
 *
 * Context: Process context. May sleep.
 * Return: the information, for fanotify_so_info_free(), or NULL for want of
 * memory.
 */
struct fanotify_so_info *
fanotify_so_info_alloc(u32 report, const struct fanotify_so_subject *sub,
		       u32 mask, __kernel_fsid_t fsid, gfp_t gfp)
{
	bool paths = report & FAN_REPORT_PATH && !sub->file;
	struct so_fid fids[FANOTIFY_SO_MAX_FIDS];
	struct fanotify_so_info *info;
	unsigned int i, nr, len = 0;

	nr = so_list(report, sub, mask, fids);
	for (i = 0; i < nr; i++)
		len += so_fid_len(&fids[i]);
	if (paths && mask & FANOTIFY_DIRENT_EVENTS)
		len += (sub->dir ? sub->name->len + 1 : 0) +
		       (sub->new_dir ? sub->new_name->len + 1 : 0);

	info = kmalloc(struct_size(info, records, len), gfp);
	if (!info)
		return NULL;
	*info = (struct fanotify_so_info){};
	info->records_len = so_encode_fids(fids, nr, fsid, info->records);
	if (paths)
		so_info_set_paths(info, sub, mask);
	return info;
}

/**
 * fanotify_so_info_free - forget what an event had to tell
 * @info: the information; may be NULL
 *
 * Context: Process context. May sleep.
 */
void fanotify_so_info_free(struct fanotify_so_info *info)
{
	if (!info)
		return;
	path_put(&info->path);
	path_put(&info->new_path);
	kfree(info);
}

/**
 * fanotify_so_info_equal - do two events tell the same?
 * @a: the information of one of them; may be NULL
 * @b: that of the other one
 *
 * Context: Any.
 * Return: true if so.
 */
bool fanotify_so_info_equal(const struct fanotify_so_info *a,
			    const struct fanotify_so_info *b)
{
	if (!a || !b)
		return a == b;
	return a->path.dentry == b->path.dentry &&
	       a->records_len == b->records_len &&
	       !memcmp(a->records, b->records, a->records_len);
}

/**
 * fanotify_so_info_encode - tell of the file of an operation that waits
 * @report: what is wanted: FAN_REPORT_* bits
 * @path: the file
 * @fsid: its file system
 * @buf: is filled with records; has room for FANOTIFY_SO_MAX_FIDS_LEN bytes
 *
 * Context: Process context. May sleep.
 * Return: the bytes.
 */
unsigned int fanotify_so_info_encode(u32 report, const struct path *path,
				     __kernel_fsid_t fsid, u8 *buf)
{
	struct fanotify_so_subject sub = {
		.dentry = path->dentry,
		.inode = d_inode(path->dentry),
	};
	struct so_fid fids[FANOTIFY_SO_MAX_FIDS];
	struct name_snapshot name;
	struct dentry *parent;
	unsigned int nr, len;

	parent = fanotify_so_get_parent(&sub, report, &name);
	nr = so_list(report, &sub, 0, fids);
	len = so_encode_fids(fids, nr, fsid, buf);
	fanotify_so_put_parent(parent, &name);
	return len;
}

/**
 * fanotify_so_get_parent - find out where a file is, and what it is called
 * @sub: the file, of which the dentry and the inode are known; gets the rest
 * @report: what is wanted: FAN_REPORT_* bits
 * @name: keeps the name
 *
 * Context: Process context. May sleep.
 * Return: what fanotify_so_put_parent() has to be called with, NULL if it is
 * not wanted, or not known, because it is a directory or not connected.
 */
struct dentry *fanotify_so_get_parent(struct fanotify_so_subject *sub,
				      u32 report, struct name_snapshot *name)
{
	struct dentry *parent;

	if (!(report & FAN_REPORT_DIR_FID) || !sub->dentry ||
	    S_ISDIR(sub->inode->i_mode) || IS_ROOT(sub->dentry))
		return NULL;

	parent = dget_parent(sub->dentry);
	take_dentry_name_snapshot(name, sub->dentry);
	sub->dir = d_inode(parent);
	sub->name = &name->name;
	return parent;
}

/**
 * fanotify_so_put_parent - let go of what fanotify_so_get_parent() got
 * @parent: what it returned
 * @name: what it filled in
 *
 * Context: Process context. May sleep.
 */
void fanotify_so_put_parent(struct dentry *parent, struct name_snapshot *name)
{
	if (!parent)
		return;
	release_dentry_name_snapshot(name);
	dput(parent);
}
