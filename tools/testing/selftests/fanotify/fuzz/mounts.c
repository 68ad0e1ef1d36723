// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY fuzz: mounts
 *
 * All is mounted on a few points, in the mount namespace of all the workers or
 * in copies of it, and taken away again at the end.
 */
#include "fuzz.h"

#define NR_POINTS	3

static void must(int ret, const char *what)
{
	if (ret)
		check_failed("preparing: %s: %s", what, strerror(-ret));
}

static void make_dir(const char *path)
{
	must(mkdir(path, 0777) && errno != EEXIST ? -errno : 0, path);
	must(result(chmod(path, 0777)), path);
}

static const char *mount_point(unsigned int i, char *path)
{
	sprintf(path, FUZZ_DIR "/point%u", i);
	return path;
}

void mounts_prepare(void)
{
	char path[64];
	unsigned int i;

	must(result(unshare(CLONE_NEWNS)), "unshare");
	must(result(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)), "/");
	make_dir(FUZZ_DIR);
	must(result(mount("fanotify_fuzz", FUZZ_DIR, "tmpfs", 0,
			  "size=64m,mode=777")), FUZZ_DIR);
	make_dir(FUZZ_DISK);
	make_dir(FUZZ_DIR "/plain");
	make_dir(FUZZ_DIR "/overlay");
	make_dir(FUZZ_DISK "/plain");
	make_dir(FUZZ_DISK "/lower");
	make_dir(FUZZ_DISK "/upper");
	make_dir(FUZZ_DISK "/work");
	must(write_file(FUZZ_DISK "/lower/f0", "#!/bin/true\n"), "f0");
	for (i = 0; i < NR_POINTS; i++)
		make_dir(mount_point(i, path));
	must(result(mount("fanotify_fuzz", FUZZ_DIR "/overlay", "overlay", 0,
			  "lowerdir=" FUZZ_DISK "/lower,upperdir=" FUZZ_DISK
			  "/upper,workdir=" FUZZ_DISK "/work")), "overlay");
}

static long call_mount(struct task *t)
{
	char path[64], from[128];

	mount_point(below(t, NR_POINTS), path);
	random_dir(t, from);
	switch (below(t, 3)) {
	case 0:
		return CALL(t, mount("fanotify_fuzz", path, "tmpfs", 0,
				     "size=4m,mode=777"));
	case 1:
		return CALL(t, mount(from, path, NULL, MS_BIND |
				     (once_in(t, 3) ? MS_REC : 0), NULL));
	default:
		return CALL(t, mount("fanotify_fuzz", path, "overlay", 0,
				     "lowerdir=" FUZZ_DISK "/lower:" FUZZ_DISK
				     "/plain"));
	}
}

static long call_umount(struct task *t)
{
	char path[64];

	mount_point(below(t, NR_POINTS), path);
	return CALL(t, umount2(path, once_in(t, 3) ? 0 : MNT_DETACH));
}

/* Of a mount, or of a file system that is not the one of all. */
static long call_remount(struct task *t)
{
	unsigned long flags = MS_REMOUNT | (once_in(t, 3) ? MS_RDONLY : 0) |
			      (once_in(t, 2) ? MS_BIND : 0);
	char path[64];

	mount_point(below(t, NR_POINTS), path);
	return CALL(t, mount(NULL, path, NULL, flags, NULL));
}

static long call_move(struct task *t)
{
	char from[64], to[64];

	mount_point(below(t, NR_POINTS), from);
	mount_point(below(t, NR_POINTS), to);
	return CALL(t, mount(from, to, NULL, MS_MOVE, NULL));
}

/* The last point that is mounted in the directory, or below it. */
static bool last_mount(char *path)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[1024], seen[256];

	if (!f)
		check_failed("/proc/self/mountinfo: %m");
	*path = '\0';
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*d %*d %*s %*s %255s", seen) == 1 &&
		    !strncmp(seen, FUZZ_DIR, sizeof(FUZZ_DIR) - 1))
			sprintf(path, "%s", seen);
	fclose(f);
	return *path;
}

/* Nobody is left who uses any of it, but for groups that are just going. */
void mounts_remove(void)
{
	long long end = now_ms() + WAIT_MS;
	char path[256];

	while (last_mount(path)) {
		if (!umount2(path, 0))
			continue;
		if (errno != EBUSY || now_ms() > end)
			check_failed("unmounting %s: %m; somebody still has a reference",
				     path);
		usleep(20000);
	}
	rmdir(FUZZ_DIR);
}

const struct call mount_calls[] = {
	{ "mount", call_mount, 8 },
	{ "umount", call_umount, 7 },
	{ "remount", call_remount, 2 },
	{ "move mount", call_move, 1 },
	{ }
};
