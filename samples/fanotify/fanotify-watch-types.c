// SPDX-License-Identifier: GPL-2.0
/*
 * fanotify-watch: from the name of a file-system type to its magic number.
 *
 * The kernel tells file systems apart by the number in their superblock, which
 * it does not list by name anywhere.
 */
#define _GNU_SOURCE
#include <err.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "fanotify-watch.h"

/* By the names of /proc/filesystems */
static const struct {
	const char *name;
	__u32 magic;
} types[] = {
	{ "9p",			V9FS_MAGIC },
	{ "affs",		AFFS_SUPER_MAGIC },
	{ "afs",		AFS_FS_MAGIC },
	{ "autofs",		AUTOFS_SUPER_MAGIC },
	{ "binder",		BINDERFS_SUPER_MAGIC },
	{ "binfmt_misc",	BINFMTFS_MAGIC },
	{ "bpf",		BPF_FS_MAGIC },
	{ "btrfs",		BTRFS_SUPER_MAGIC },
	{ "ceph",		CEPH_SUPER_MAGIC },
	{ "cgroup",		CGROUP_SUPER_MAGIC },
	{ "cgroup2",		CGROUP2_SUPER_MAGIC },
	/* What statfs(2) says of these is the version of the protocol. */
	{ "cifs",		CIFS_SUPER_MAGIC },
	{ "smb3",		CIFS_SUPER_MAGIC },
	{ "coda",		CODA_SUPER_MAGIC },
	{ "cramfs",		CRAMFS_MAGIC },
	{ "debugfs",		DEBUGFS_MAGIC },
	{ "devpts",		DEVPTS_SUPER_MAGIC },
	{ "ecryptfs",		ECRYPTFS_SUPER_MAGIC },
	{ "efivarfs",		EFIVARFS_MAGIC },
	{ "erofs",		EROFS_SUPER_MAGIC_V1 },
	{ "ext2",		EXT2_SUPER_MAGIC },
	{ "ext3",		EXT3_SUPER_MAGIC },
	{ "ext4",		EXT4_SUPER_MAGIC },
	{ "f2fs",		F2FS_SUPER_MAGIC },
	{ "fuse",		FUSE_SUPER_MAGIC },
	{ "fuseblk",		FUSE_SUPER_MAGIC },
	{ "virtiofs",		FUSE_SUPER_MAGIC },
	{ "hugetlbfs",		HUGETLBFS_MAGIC },
	{ "iso9660",		ISOFS_SUPER_MAGIC },
	{ "jffs2",		JFFS2_SUPER_MAGIC },
	{ "msdos",		MSDOS_SUPER_MAGIC },
	{ "vfat",		MSDOS_SUPER_MAGIC },
	{ "nfs",		NFS_SUPER_MAGIC },
	{ "nfs4",		NFS_SUPER_MAGIC },
	{ "nilfs2",		NILFS_SUPER_MAGIC },
	{ "ocfs2",		OCFS2_SUPER_MAGIC },
	{ "overlay",		OVERLAYFS_SUPER_MAGIC },
	{ "proc",		PROC_SUPER_MAGIC },
	{ "pstore",		PSTOREFS_MAGIC },
	{ "ramfs",		RAMFS_MAGIC },
	{ "reiserfs",		REISERFS_SUPER_MAGIC },
	{ "resctrl",		RDTGROUP_SUPER_MAGIC },
	{ "securityfs",		SECURITYFS_MAGIC },
	{ "selinuxfs",		SELINUX_MAGIC },
	{ "smackfs",		SMACK_MAGIC },
	{ "squashfs",		SQUASHFS_MAGIC },
	{ "sysfs",		SYSFS_MAGIC },
	{ "tmpfs",		TMPFS_MAGIC },
	{ "tracefs",		TRACEFS_MAGIC },
	{ "udf",		UDF_SUPER_MAGIC },
	{ "xfs",		XFS_SUPER_MAGIC },
};

/* In mountinfo blanks and the like are \ooo. */
static void unescape(char *text)
{
	char *to = text;
	unsigned int c;

	while (*text) {
		if (sscanf(text, "\\%3o", &c) == 1) {
			*to++ = c;
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/*
 * Ask a file system of that type that is mounted. A line is "ID PARENT MAJ:MIN
 * ROOT PATH OPTIONS [FIELD...] - TYPE SOURCE OPTIONS".
 */
static bool ask_a_mount(const char *type, __u64 *magic)
{
	char *line = NULL, *path, *name, *end;
	unsigned int major, minor;
	bool found = false;
	struct statfs fs;
	struct stat st;
	size_t size = 0;
	FILE *f;

	f = fopen("/proc/self/mountinfo", "re");
	if (!f)
		err(FAILURE, "/proc/self/mountinfo");
	while (!found && getline(&line, &size, f) > 0) {
		path = NULL;
		name = NULL;
		end = strstr(line, " - ");
		if (end && sscanf(end, " - %ms", &name) == 1 &&
		    !strcmp(name, type) &&
		    sscanf(line, "%*d %*d %u:%u %*s %ms", &major, &minor,
			   &path) == 3) {
			unescape(path);
			/* Something else may be mounted over it. */
			found = !stat(path, &st) &&
				st.st_dev == makedev(major, minor) &&
				!statfs(path, &fs);
		}
		free(path);
		free(name);
	}
	free(line);
	fclose(f);
	/* It is 32 bits, in what may be a signed long. */
	if (found)
		*magic = (__u32)fs.f_type;
	return found;
}

__u64 magic_of_fs_type(const char *type)
{
	__u64 magic;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(type, types[i].name))
			return types[i].magic;

	if (!ask_a_mount(type, &magic))
		errx(USAGE, "unknown type of file system: '%s'; "
		     "see /proc/filesystems, or mount one, to be asked for its number",
		     type);
	return magic;
}
