// SPDX-License-Identifier: GPL-2.0
/*
 * Where the file of an event is when the event is read, as the reader sees it.
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/mount.h>
#include <linux/nsproxy.h>
#include <linux/string.h>

#include "../../mount.h"
#include "so.h"

/* As many mounts of a file system are looked at under mount_lock. */
#define SO_MAX_MOUNTS	1024

/* What has more parents has no room in PATH_MAX. */
#define SO_MAX_DEPTH	(PATH_MAX / 2)

/* Racy, and good enough: what it says of a moment ago is not more wrong. */
static bool so_is_below(const struct dentry *dentry, const struct dentry *top)
{
	const struct dentry *parent;
	int depth;

	for (depth = 0; depth < SO_MAX_DEPTH; depth++, dentry = parent) {
		if (dentry == top)
			return true;
		parent = READ_ONCE(dentry->d_parent);
		if (parent == dentry)
			break;
	}
	return false;
}

/**
 * fanotify_so_get_any_mount - get a mount that keeps a file system mounted
 * @sb: its superblock
 *
 * Context: Process context. Takes mount_lock.
 * Return: a mount, with a reference, of whatever namespace, or NULL if there is
 * none.
 */
struct vfsmount *fanotify_so_get_any_mount(struct super_block *sb)
{
	struct vfsmount *found = NULL;
	struct mount *mnt;

	read_seqlock_excl(&mount_lock);
	mnt = list_first_entry_or_null(&sb->s_mounts, struct mount,
				       mnt_instance);
	if (mnt)
		found = mntget(&mnt->mnt);
	read_sequnlock_excl(&mount_lock);
	return found;
}

/*
 * Of the mounts that the reader has of a file system one that shows the
 * dentry: the first that shows everything, or else the first that shows this.
 */
static struct vfsmount *so_get_mount(const struct dentry *dentry)
{
	const struct mnt_namespace *ns = current->nsproxy->mnt_ns;
	struct super_block *sb = dentry->d_sb;
	struct mount *mnt, *found = NULL;
	int looks = 0;

	rcu_read_lock();
	read_seqlock_excl(&mount_lock);
	list_for_each_entry(mnt, &sb->s_mounts, mnt_instance) {
		if (++looks > SO_MAX_MOUNTS)
			break;
		if (mnt->mnt_ns != ns)
			continue;
		if (mnt->mnt.mnt_root == sb->s_root) {
			found = mnt;
			break;
		}
		if (!found && so_is_below(dentry, mnt->mnt.mnt_root))
			found = mnt;
	}
	if (found)
		mntget(&found->mnt);
	read_sequnlock_excl(&mount_lock);
	rcu_read_unlock();
	return found ? &found->mnt : NULL;
}

/* Such as a memfd, which has a name for people to know it by */
static bool so_is_nowhere(const struct dentry *dentry)
{
	return IS_ROOT(dentry) && dentry != dentry->d_sb->s_root &&
	       dentry->d_name.name[0] != '/';
}

static char *so_own_name(const struct dentry *dentry, char *buf, int len)
{
	return snprintf(buf, len, "/%pd", dentry) < len ?
		       buf : ERR_PTR(-ENAMETOOLONG);
}

/* From the reader's root, or else from as far up as there is a path */
static char *so_dir_path(const struct path *path, char *buf, int len,
			 u32 *flags)
{
	struct path root;
	char *str = NULL;

	if (path->mnt) {
		get_fs_root(current->fs, &root);
		str = __d_path(path, &root, buf, len);
		path_put(&root);
	}
	if (str)
		return str;

	*flags |= FAN_PATH_UNREACHABLE;
	if (path->mnt) {
		str = d_absolute_path(path, buf, len);
		if (str != ERR_PTR(-EINVAL))
			return str;
	}
	if (so_is_nowhere(path->dentry))
		return so_own_name(path->dentry, buf, len);
	return dentry_path_raw(path->dentry, buf, len);
}

/*
 * Adds the name of an entry to the path of its directory, for which the room
 * behind it was left.
 */
static char *so_add_name(char *dir, char *end, const char *name)
{
	/* The root directory ends in a slash already. */
	if (!dir[1])
		dir = end;
	*end = '/';
	memcpy(end + 1, name, strlen(name) + 1);
	return dir;
}

static unsigned int so_encode_path(const struct path *path, const char *name,
				   u8 type, u8 *buf)
{
	struct fanotify_event_info_path *info = (void *)buf;
	int room = PATH_MAX - (name ? strlen(name) + 1 : 0);
	unsigned int len = 0, record;
	char *str, *end;
	u32 flags = 0;

	str = so_dir_path(path, info->path, room, &flags);
	if (IS_ERR(str)) {
		flags |= FAN_PATH_TOO_LONG;
	} else {
		end = info->path + room - 1;
		if (name)
			str = so_add_name(str, end, name);
		/* It ends there, but for a name of its own. */
		len = name || str == info->path ? strlen(str) : end - str;
		memmove(info->path, str, len);
	}
	if (d_unlinked(path->dentry))
		flags |= FAN_PATH_DELETED;

	record = ALIGN(sizeof(*info) + len + 1, FANOTIFY_SO_RECORD_ALIGN);
	memset(info->path + len, 0, record - sizeof(*info) - len);
	info->flags = flags;
	info->hdr = (struct fanotify_event_info_header){
		.info_type = type,
		.len = record,
	};
	return record;
}

static unsigned int so_encode_unknown(u32 mask, u8 type, u8 *buf)
{
	struct fanotify_event_info_path *info = (void *)buf;
	unsigned int record = ALIGN(sizeof(*info) + 1,
				    FANOTIFY_SO_RECORD_ALIGN);

	memset(buf, 0, record);
	info->hdr.info_type = type;
	info->hdr.len = record;
	info->flags = FAN_PATH_UNKNOWN;
	if (mask & FAN_DELETE_SELF)
		info->flags |= FAN_PATH_DELETED;
	return record;
}

/* An event that came with no mount: which one it holds says nothing. */
static unsigned int so_encode_held(u32 mask, const struct path *held,
				   const char *name, u8 type, u8 *buf)
{
	struct path path = { .dentry = held->dentry };
	unsigned int len;

	if (!held->dentry)
		return so_encode_unknown(mask, type, buf);

	path.mnt = so_get_mount(held->dentry);
	len = so_encode_path(&path, name, type, buf);
	mntput(path.mnt);
	return len;
}

static unsigned int so_encode_rename(const struct fanotify_so_taken *taken,
				     u8 *buf)
{
	const struct fanotify_so_info *info = taken->info;
	unsigned int len = 0;

	if (info->name)
		len = so_encode_held(taken->mask, &info->path, info->name,
				     FAN_EVENT_INFO_TYPE_OLD_PATH, buf);
	if (info->new_name)
		len += so_encode_held(taken->mask, &info->new_path,
				      info->new_name,
				      FAN_EVENT_INFO_TYPE_NEW_PATH, buf + len);
	return len;
}

static unsigned int so_encode_paths(const struct fanotify_so_taken *taken,
				    u8 *buf)
{
	const struct fanotify_so_info *info = taken->info;

	if (taken->path.mnt)
		return so_encode_path(&taken->path, NULL,
				      FAN_EVENT_INFO_TYPE_PATH, buf);
	if (taken->mask & FAN_RENAME)
		return so_encode_rename(taken, buf);
	return so_encode_held(taken->mask, &info->path, info->name,
			      FAN_EVENT_INFO_TYPE_PATH, buf);
}

/**
 * fanotify_so_encode_records - what an event tells besides a descriptor
 * @taken: the event; not an overflow
 * @buf: is filled with records; has room for what FAN_SO_MAX_EVENT_LEN leaves
 *       behind FAN_SO_EVENT_LEN, and is as aligned as the records are to be
 *
 * Context: Process context. May sleep.
 * Return: the bytes, a multiple of FANOTIFY_SO_RECORD_ALIGN.
 */
unsigned int fanotify_so_encode_records(const struct fanotify_so_taken *taken,
					u8 *buf)
{
	const struct fanotify_so_info *info = taken->info;
	unsigned int len = 0;

	BUILD_BUG_ON(sizeof(struct fanotify_so_event_metadata) +
		     2 * (sizeof(struct fanotify_event_info_path) + PATH_MAX) +
		     FANOTIFY_SO_MAX_FIDS_LEN +
		     sizeof(struct fanotify_event_info_pidfd) !=
		     FAN_SO_MAX_EVENT_LEN);

	if (taken->report & FAN_REPORT_PATH)
		len = so_encode_paths(taken, buf);
	if (!(taken->report & FANOTIFY_FID_BITS))
		return len;
	if (!info)
		return len + fanotify_so_info_encode(taken->report, &taken->path,
						     taken->fsid, buf + len);
	memcpy(buf + len, info->records, info->records_len);
	return len + info->records_len;
}
EXPORT_SYMBOL_GPL(fanotify_so_encode_records);
