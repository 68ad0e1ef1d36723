// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY stress: file systems that come and go
 *
 * Each mount worker has mount points of its own, so it alone knows what is
 * mounted there. A superblock that was detached can live on, by files that are
 * open or in events; when its device is mounted again before it is gone, it is
 * back.
 */
#include <stdlib.h>

#include "stress.h"

#define TMPFS_OPTIONS	"size=8m,mode=755"

/* Of a mount worker: what is it that is mounted there? */
enum { ON_TMPFS, ON_EXT4, ON_OVERLAY, ON_BIND, NR_POINTS };

static bool mounted[NR_POINTS];

/* The loop devices, and descriptors that keep them. */
static char devices[NR_MOUNTERS + 1][32];
static int device_fds[NR_MOUNTERS + 1];

static const char *point(unsigned int number, int what, char *path)
{
	static const char * const names[NR_POINTS] = {
		"tmpfs", "ext4-", "overlay", "bind",
	};

	sprintf(path, STRESS_DIR "/%s%u", names[what], number);
	return path;
}

static void must(int ret, const char *what)
{
	if (ret)
		check_failed("preparing: %s: %s", what,
			     ret < 0 ? strerror(-ret) : "exit status not 0");
}

static void make_dir(const char *path)
{
	must(result(mkdir(path, 0755)), path);
}

static void make_disk(unsigned int i)
{
	char image[64];

	sprintf(image, STRESS_DIR "/image%u", i);
	must(make_ext4(image), image);
	device_fds[i] = loop_attach(image, O_RDWR, devices[i]);
	must(device_fds[i] < 0 ? device_fds[i] : 0, "loop device");
}

/* Mounts of its own, copies of the others'. */
void mounts_unshare(void)
{
	must(result(unshare(CLONE_NEWNS)), "unshare");
	must(result(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)), "/");
}

void mounts_setup(void)
{
	char path[128];
	unsigned int i;
	int what;

	if (mkdir(STRESS_DIR, 0755) && errno != EEXIST)
		must(-errno, STRESS_DIR);
	must(result(mount("fanotify_stress", STRESS_DIR, "tmpfs", 0,
			  "size=64m,mode=755")), STRESS_DIR);
	make_dir(PLAIN);
	make_dir(DISK);
	make_disk(NR_MOUNTERS);
	must(result(mount(devices[NR_MOUNTERS], DISK, "ext4", 0, NULL)), DISK);
	make_dir(DISK "/plain");

	for (i = 0; i < NR_MOUNTERS; i++) {
		make_disk(i);
		for (what = 0; what < NR_POINTS; what++)
			make_dir(point(i, what, path));
		sprintf(path, STRESS_DIR "/flash%u", i);
		make_dir(path);
		sprintf(path, DISK "/lower%u", i);
		make_dir(path);
		strcat(path, "/f0");
		must(write_file(path, "#!/bin/true\n"), path);
		sprintf(path, DISK "/upper%u", i);
		make_dir(path);
		sprintf(path, DISK "/work%u", i);
		make_dir(path);
	}
}

static int mount_overlay(struct worker *w, const char *path)
{
	unsigned int number = w->report->number;
	char options[512], lower[128];

	if (once_in(w, 3))
		sprintf(options, "lowerdir=%s:" DISK "/lower%u",
			point(number, ON_TMPFS, lower), number);
	else
		/* With an index nobody else can have the upper directory. */
		sprintf(options, "index=on,lowerdir=" DISK
			"/lower%u,upperdir=" DISK "/upper%u,workdir=" DISK
			"/work%u", number, number, number);
	return result(mount("fanotify_stress", path, "overlay", 0, options));
}

/* Mounts or unmounts it. */
static int toggle(struct worker *w, int what)
{
	/* For the sequence, whether it is used or not. */
	bool detach = once_in(w, 3);
	char path[128], from[128];
	int ret;

	point(w->report->number, what, path);
	random_dir(w, from);
	if (mounted[what]) {
		ret = result(umount2(path, detach ? MNT_DETACH : 0));
		if (!ret)
			mounted[what] = false;
		return ret;
	}
	switch (what) {
	case ON_TMPFS:
		ret = result(mount("fanotify_stress", path, "tmpfs", 0,
				   TMPFS_OPTIONS));
		break;
	case ON_EXT4:
		ret = result(mount(devices[w->report->number], path, "ext4", 0,
				   NULL));
		break;
	case ON_OVERLAY:
		ret = mount_overlay(w, path);
		break;
	default:
		ret = result(mount(from, path, NULL, MS_BIND, NULL));
	}
	if (!ret)
		mounted[what] = true;
	return ret;
}

static int op_tmpfs(struct worker *w)
{
	return toggle(w, ON_TMPFS);
}

static int op_ext4(struct worker *w)
{
	return toggle(w, ON_EXT4);
}

static int op_overlay(struct worker *w)
{
	return toggle(w, ON_OVERLAY);
}

static int op_bind(struct worker *w)
{
	return toggle(w, ON_BIND);
}

/* A file system that is there for the moment. */
static int op_flash(struct worker *w)
{
	char path[128], file[160];
	int ret;

	sprintf(path, STRESS_DIR "/flash%u", w->report->number);
	ret = result(mount("fanotify_stress", path, "tmpfs", 0, TMPFS_OPTIONS));
	if (ret)
		return ret;
	sprintf(file, "%s/file", path);
	ret = write_file(file, "text");
	if (ret && ret != -EPERM)
		worker_failed(w, "%s: %s", file, strerror(-ret));
	/* Events hold it. */
	if (umount2(path, 0) && umount2(path, MNT_DETACH))
		ret = -errno;
	return ret;
}

static int op_remount(struct worker *w)
{
	int what = once_in(w, 2) ? ON_TMPFS : ON_EXT4;
	int flags = MS_REMOUNT | (once_in(w, 3) ? MS_RDONLY : 0);
	char path[128];

	if (!mounted[what])
		return -EAGAIN;
	return result(mount(NULL, point(w->report->number, what, path), NULL,
			    flags, NULL));
}

static int op_pause(struct worker *w)
{
	return usleep(below(w, 20000));
}

const struct op mount_ops[] = {
	{ "tmpfs", op_tmpfs, { 4 }, { EBUSY } },
	{ "ext4", op_ext4, { 2 }, { EBUSY } },
	/* It looks into its directories, which a listener may not want. */
	{ "overlay", op_overlay, { 4 }, { EBUSY, EPERM } },
	/* The directory may be none, or away, and then it is not bound. */
	{ "bind", op_bind, { 4 }, { EBUSY, ENOENT, ENOTDIR, EINVAL, ELOOP } },
	{ "flash", op_flash, { 2 }, { EPERM } },
	{ "remount", op_remount, { 1 }, { EBUSY, EAGAIN } },
	{ "pause", op_pause, { 10 } },
	{ }
};

/* The last point that is mounted in the directory, or below it. */
static bool last_mount(char *path, size_t size)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[1024], found[256];

	if (!f)
		check_failed("/proc/self/mountinfo: %m");
	*path = '\0';
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*d %*d %*s %*s %255s", found) == 1 &&
		    !strncmp(found, STRESS_DIR, sizeof(STRESS_DIR) - 1))
			snprintf(path, size, "%s", found);
	fclose(f);
	return *path;
}

/* Is one of our images still attached? */
static bool loops_left(char *left, size_t size)
{
	char path[64], image[128];
	unsigned int i;
	FILE *f;

	for (i = 0; i < 256; i++) {
		sprintf(path, "/sys/block/loop%u/loop/backing_file", i);
		f = fopen(path, "re");
		if (!f)
			continue;
		image[0] = '\0';
		if (!fgets(image, sizeof(image), f))
			image[0] = '\0';
		fclose(f);
		if (!strncmp(image, STRESS_DIR "/", sizeof(STRESS_DIR))) {
			snprintf(left, size, "/dev/loop%u", i);
			return true;
		}
	}
	return false;
}

/*
 * Nobody is left who uses a file, so each of them can be unmounted; but the
 * kernel may be busy with the end of the groups.
 */
void mounts_teardown(void)
{
	long long end = now_ms() + WAIT_MS;
	unsigned int i;
	char what[256];

	while (last_mount(what, sizeof(what))) {
		/* Its images are in it, and those are devices until now. */
		if (!strcmp(what, STRESS_DIR))
			break;
		if (!umount2(what, 0))
			continue;
		if (errno != EBUSY || now_ms() > end)
			check_failed("unmounting %s: %m; somebody still has a reference",
				     what);
		usleep(20000);
	}

	for (i = 0; i <= NR_MOUNTERS; i++)
		close(device_fds[i]);
	while (loops_left(what, sizeof(what))) {
		if (now_ms() > end)
			check_failed("%s is in use: its file system was unmounted, and lives",
				     what);
		usleep(20000);
	}

	/* Overlays and images that live keep it busy. */
	while (umount2(STRESS_DIR, 0)) {
		if (errno != EBUSY || now_ms() > end)
			check_failed("unmounting %s: %m; somebody still has a reference",
				     STRESS_DIR);
		usleep(20000);
	}
	rmdir(STRESS_DIR);
}
