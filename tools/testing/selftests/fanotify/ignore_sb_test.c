// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: FANOTIFY_IGNORE_SB, not to hear of a kind of file system
 */

#define _GNU_SOURCE
#include <limits.h>
#include <linux/magic.h>
#include <sys/statfs.h>

#include "marks.h"

#define MNT TMP "/mnt"
#define SECOND TMP "/second"
#define ELSEWHERE "/mnt/fanotify_ignore_sb"

/* As many kinds can be ignored. */
#define MAX_MAGICS 32

/* Not the number of any file system */
#define NO_MAGIC 0x66616e6f74696679ULL

static int set_bytes(int sock, const void *value, socklen_t len)
{
	return result(setsockopt(sock, SOL_FANOTIFY, FANOTIFY_IGNORE_SB, value,
				 len));
}

/* Ignores these events of such file systems. 0 or -errno. */
static int ignore_sb(int sock, __u64 magic, __u32 mask)
{
	struct fanotify_so_sb sb = { .magic = magic, .mask = mask };

	return set_bytes(sock, &sb, sizeof(sb));
}

/* What fdinfo shows to be ignored of the file system, or -errno. */
static long long shown_ignored(int sock, const struct stat *st)
{
	long long masks;
	char what[64];

	sprintf(what, "\nfanotify sdev:%x ", shown_dev(st));
	masks = masks_behind(sock, what);
	return masks < 0 ? masks : (__u32)masks;
}

/* A file on the kind of file system that is to be ignored, and one that isn't */
FIXTURE(sb)
{
	int sock;
	__u64 magic;
	char dev[32];
	struct stat dir;
	struct stat file;
	char path[64];
	bool mounted;
};

FIXTURE_VARIANT(sb) {
	const char *type;
	__u64 magic;
	const char *options;
	/* A file that every file system of this kind has, if not ours */
	const char *file;
};

FIXTURE_VARIANT_ADD(sb, tmpfs) {
	.type = "tmpfs",
	.magic = TMPFS_MAGIC,
};

FIXTURE_VARIANT_ADD(sb, ext4) {
	.type = "ext4",
	.magic = EXT4_SUPER_MAGIC,
};

FIXTURE_VARIANT_ADD(sb, ramfs) {
	.type = "ramfs",
	.magic = RAMFS_MAGIC,
};

FIXTURE_VARIANT_ADD(sb, overlay) {
	.type = "overlay",
	.magic = OVERLAYFS_SUPER_MAGIC,
	.options = "lowerdir=" TMP "/lower,upperdir=" TMP "/upper,workdir=" TMP
		   "/work",
};

FIXTURE_VARIANT_ADD(sb, proc) {
	.type = "proc",
	.magic = PROC_SUPER_MAGIC,
	.file = "version",
};

/* Mounts another file system of the kind on @path. 0 or -errno. */
static int mount_sb(FIXTURE_DATA(sb) *self, const FIXTURE_VARIANT(sb) *variant,
		    const char *path)
{
	return result(mount(self->dev, path, variant->type, 0,
			    variant->options));
}

/* Where the file is, once something is mounted there; it is made. 0 or -errno */
static int find_file(FIXTURE_DATA(sb) *self, const FIXTURE_VARIANT(sb) *variant)
{
	int ret;

	sprintf(self->path, MNT "/%s", variant->file ?: "file");
	ret = variant->file ? 0 : write_file(self->path, SCRIPT);
	if (ret)
		return ret;
	return result(stat(MNT, &self->dir)) ?:
	       result(stat(self->path, &self->file));
}

FIXTURE_SETUP(sb)
{
	static const char * const dirs[] = { MNT, SECOND, TMP "/lower",
					     TMP "/upper", TMP "/work" };
	size_t i;

	private_tmp(_metadata);
	for (i = 0; i < ARRAY_SIZE(dirs); i++)
		ASSERT_EQ(0, mkdir(dirs[i], 0755));
	sprintf(self->dev, "fanotify_test");
	if (!strcmp(variant->type, "ext4")) {
		ASSERT_EQ(0, make_ext4(TMP "/image"));
		ASSERT_LE(0, loop_attach(TMP "/image", O_RDWR, self->dev));
	}
	self->magic = variant->magic;
	self->sock = global_listener(ALL_EVENTS | FAN_ONDIR);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(sb)
{
	close(self->sock);
	umount2(MNT, MNT_DETACH);
	umount2(SECOND, MNT_DETACH);
}

/* What is heard when the file is opened, and nothing else */
static long heard_of_open(FIXTURE_DATA(sb) *self)
{
	int ret = drain(self->sock) ?: open_close(self->path, O_RDONLY);

	return ret ?: all_events(self->sock, &self->file);
}

static long heard_of_list(FIXTURE_DATA(sb) *self)
{
	int ret = drain(self->sock) ?: list_dir(MNT);

	return ret ?: all_events(self->sock, &self->dir);
}

#define OPEN_CLOSE (FAN_OPEN | FAN_CLOSE_NOWRITE)

TEST_F(sb, magic)
{
	struct statfs statfs_buf;

	ASSERT_EQ(0, mount_sb(self, variant, MNT));
	ASSERT_EQ(0, statfs(MNT, &statfs_buf));
	/* Which is signed, and of 32 bits where the machine is. */
	EXPECT_EQ(variant->magic, (__u32)statfs_buf.f_type);
}

TEST_F(sb, present)
{
	ASSERT_EQ(0, mount_sb(self, variant, MNT));
	ASSERT_EQ(0, find_file(self, variant));
	EXPECT_EQ(OPEN_CLOSE, heard_of_open(self));
	ASSERT_EQ(0, ignore_sb(self->sock, self->magic, ALL_EVENTS));
	EXPECT_EQ(0, heard_of_open(self));
	/* Directories are ignored only if that is asked for. */
	EXPECT_EQ(DIR_EVENTS, heard_of_list(self));

	ASSERT_EQ(0, ignore_sb(self->sock, self->magic, 0));
	EXPECT_EQ(OPEN_CLOSE, heard_of_open(self));
}

TEST_F(sb, future)
{
	int early = self->sock;

	ASSERT_EQ(0, ignore_sb(self->sock, self->magic, ALL_EVENTS));
	if (!strcmp(variant->type, "proc")) {
		pid_t child;

		/* Each pid namespace has a proc of its own. */
		ASSERT_EQ(0, unshare(CLONE_NEWPID));
		child = fork();
		ASSERT_LE(0, child);
		if (!child)
			_exit(-mount_sb(self, variant, MNT));
		ASSERT_EQ(0, exit_status(child));
	} else {
		ASSERT_EQ(0, mount_sb(self, variant, MNT));
	}
	ASSERT_EQ(0, find_file(self, variant));
	EXPECT_EQ(0, heard_of_open(self));
	EXPECT_EQ(DIR_EVENTS, heard_of_list(self));
	EXPECT_EQ(ALL_EVENTS | FAN_SURVIVE_MODIFY,
		  shown_ignored(self->sock, &self->file));

	/* A listener that comes after it ignores nothing. */
	self->sock = global_listener(ALL_EVENTS | FAN_ONDIR);
	ASSERT_LE(0, self->sock);
	EXPECT_EQ(OPEN_CLOSE, heard_of_open(self));
	EXPECT_EQ(0, close(self->sock));
	self->sock = early;

	ASSERT_EQ(0, ignore_sb(self->sock, self->magic, 0));
	EXPECT_EQ(OPEN_CLOSE, heard_of_open(self));
	EXPECT_EQ(0, shown_ignored(self->sock, &self->file));
}

TEST_F(sb, directories)
{
	ASSERT_EQ(0, mount_sb(self, variant, MNT));
	ASSERT_EQ(0, find_file(self, variant));
	ASSERT_EQ(0, ignore_sb(self->sock, self->magic,
			       FAN_OPEN | FAN_ONDIR));
	EXPECT_EQ(FAN_CLOSE_NOWRITE, heard_of_open(self));
	EXPECT_EQ(FAN_ACCESS | FAN_CLOSE_NOWRITE, heard_of_list(self));
	ASSERT_EQ(0, ignore_sb(self->sock, self->magic,
			       ALL_EVENTS | FAN_ONDIR));
	EXPECT_EQ(0, heard_of_open(self));
	EXPECT_EQ(0, heard_of_list(self));
	ASSERT_EQ(0, ignore_sb(self->sock, self->magic, FAN_OPEN));
	EXPECT_EQ(FAN_CLOSE_NOWRITE, heard_of_open(self));
	EXPECT_EQ(DIR_EVENTS, heard_of_list(self));
}

/* The mask is set absolutely. */
TEST_F(sb, overridden)
{
	static const __u32 masks[] = { FAN_OPEN, FAN_CLOSE, OPEN_CLOSE,
				       FAN_CLOSE_NOWRITE, FAN_MODIFY };
	size_t i;

	ASSERT_EQ(0, mount_sb(self, variant, MNT));
	ASSERT_EQ(0, find_file(self, variant));
	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		ASSERT_EQ(0, ignore_sb(self->sock, self->magic, masks[i]));
		EXPECT_EQ(masks[i] | FAN_SURVIVE_MODIFY,
			  shown_ignored(self->sock, &self->file));
		EXPECT_EQ(OPEN_CLOSE & ~masks[i], heard_of_open(self)) {
			TH_LOG("mask %x", masks[i]);
		}
	}
}

/* FAN_SURVIVE_MODIFY may be said, but it goes without saying. */
TEST_F(sb, survives_modification)
{
	static const __u32 flags[] = { 0, FAN_SURVIVE_MODIFY };
	size_t i;

	ASSERT_EQ(0, mount_sb(self, variant, MNT));
	ASSERT_EQ(0, find_file(self, variant));
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		ASSERT_EQ(0, ignore_sb(self->sock, self->magic,
				       ALL_EVENTS | flags[i]));
		ASSERT_EQ(0, drain(self->sock));
		/* A file of proc cannot be modified. */
		ASSERT_EQ(0, variant->file ? 0 : do_everything(self->path));
		ASSERT_EQ(0, variant->file ? 0 :
			  truncate(self->path, strlen(SCRIPT)));
		EXPECT_EQ(0, all_events(self->sock, &self->file));
		EXPECT_EQ(0, heard_of_open(self));
		EXPECT_EQ(ALL_EVENTS | FAN_SURVIVE_MODIFY,
			  shown_ignored(self->sock, &self->file));
	}
}

/* Each kind has a mask of its own. */
TEST_F(sb, elsewhere)
{
	bool ext4 = variant->magic == EXT4_SUPER_MAGIC;
	const char *other = ext4 ? TMP "/file" : ELSEWHERE;
	struct stat st;

	ASSERT_EQ(0, mount_sb(self, variant, MNT));
	ASSERT_EQ(0, find_file(self, variant));
	ASSERT_EQ(0, write_file(other, SCRIPT));
	ASSERT_EQ(0, stat(other, &st));
	ASSERT_EQ(0, ignore_sb(self->sock, self->magic,
			       ALL_EVENTS | FAN_ONDIR));
	ASSERT_EQ(0, ignore_sb(self->sock, NO_MAGIC, ALL_EVENTS));
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(0, do_everything(other));
	EXPECT_EQ(ALL_EVENTS, all_events(self->sock, &st));
	EXPECT_EQ(0, shown_ignored(self->sock, &st));

	ASSERT_EQ(0, ignore_sb(self->sock, ext4 ? TMPFS_MAGIC :
			       EXT4_SUPER_MAGIC, FAN_OPEN));
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(0, open_close(other, O_RDONLY));
	EXPECT_EQ(FAN_CLOSE_NOWRITE, all_events(self->sock, &st));
	EXPECT_EQ(0, heard_of_open(self));

	/* To turn off one leaves the other. */
	ASSERT_EQ(0, ignore_sb(self->sock, self->magic, 0));
	ASSERT_EQ(0, open_close(other, O_RDONLY));
	EXPECT_EQ(FAN_CLOSE_NOWRITE, all_events(self->sock, &st));
	EXPECT_EQ(OPEN_CLOSE, heard_of_open(self));
	ASSERT_EQ(0, unlink(other));
}

/* All 64 bits of the number count. */
TEST_F(sb, similar_magic)
{
	ASSERT_EQ(0, mount_sb(self, variant, MNT));
	ASSERT_EQ(0, find_file(self, variant));
	ASSERT_EQ(0, ignore_sb(self->sock, self->magic | 1ULL << 32,
			       ALL_EVENTS));
	ASSERT_EQ(0, ignore_sb(self->sock, self->magic ^ 0x80000000,
			       ALL_EVENTS));
	EXPECT_EQ(OPEN_CLOSE, heard_of_open(self));
	EXPECT_EQ(-ENOENT, ignore_sb(self->sock, self->magic, 0));
}

/* It is the listener's own affair. */
TEST_F(sb, other_listeners)
{
	int ignoring = self->sock;

	ASSERT_EQ(0, mount_sb(self, variant, MNT));
	ASSERT_EQ(0, find_file(self, variant));
	ASSERT_EQ(0, ignore_sb(ignoring, self->magic, ALL_EVENTS));
	self->sock = global_listener(ALL_EVENTS);
	ASSERT_LE(0, self->sock);
	EXPECT_EQ(OPEN_CLOSE, heard_of_open(self));
	EXPECT_EQ(-ENOENT, ignore_sb(self->sock, self->magic, 0));
	EXPECT_EQ(0, close(self->sock));
	self->sock = ignoring;
	EXPECT_EQ(0, heard_of_open(self));
}

/* The marks of inodes and those of superblocks both count. */
TEST_F(sb, and_inode)
{
	ASSERT_EQ(0, mount_sb(self, variant, MNT));
	ASSERT_EQ(0, find_file(self, variant));
	ASSERT_EQ(0, ignore_sb(self->sock, self->magic, FAN_OPEN));
	ASSERT_EQ(0, mark_path(self->sock, self->path, 0, FAN_CLOSE));
	EXPECT_EQ(0, heard_of_open(self));
	ASSERT_EQ(0, mark_path(self->sock, self->path, 0, 0));
	EXPECT_EQ(FAN_CLOSE_NOWRITE, heard_of_open(self));
	ASSERT_EQ(0, mark_path(self->sock, self->path, 0, FAN_CLOSE));
	ASSERT_EQ(0, ignore_sb(self->sock, self->magic, 0));
	EXPECT_EQ(FAN_OPEN, heard_of_open(self));
}

/* Two of a kind, one before the other */
TEST(second_superblock)
{
	int sock = global_listener(FAN_OPEN);
	struct stat first, second, third;

	ASSERT_LE(0, sock);
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(MNT, 0755));
	ASSERT_EQ(0, mkdir(SECOND, 0755));
	ASSERT_EQ(0, mount("fanotify_test", MNT, "ramfs", 0, NULL));
	ASSERT_EQ(0, write_file(MNT "/file", SCRIPT));
	ASSERT_EQ(0, stat(MNT "/file", &first));
	ASSERT_EQ(0, ignore_sb(sock, RAMFS_MAGIC, FAN_OPEN));
	ASSERT_EQ(0, mount("fanotify_test", SECOND, "ramfs", 0, NULL));
	ASSERT_EQ(0, write_file(SECOND "/file", SCRIPT));
	ASSERT_EQ(0, stat(SECOND "/file", &second));
	ASSERT_NE(first.st_dev, second.st_dev);

	ASSERT_EQ(0, drain(sock));
	ASSERT_EQ(0, open_close(MNT "/file", O_RDONLY));
	ASSERT_EQ(0, open_close(SECOND "/file", O_RDONLY));
	EXPECT_EQ(0, own_events(sock));

	/* Both are heard again, and so is one that is mounted then. */
	ASSERT_EQ(0, ignore_sb(sock, RAMFS_MAGIC, 0));
	ASSERT_EQ(0, open_close(MNT "/file", O_RDONLY));
	EXPECT_EQ(FAN_OPEN, only_event(sock, &first));
	ASSERT_EQ(0, open_close(SECOND "/file", O_RDONLY));
	EXPECT_EQ(FAN_OPEN, only_event(sock, &second));
	ASSERT_EQ(0, umount(SECOND));
	ASSERT_EQ(0, mount("fanotify_test", SECOND, "ramfs", 0, NULL));
	ASSERT_EQ(0, write_file(SECOND "/file", SCRIPT));
	ASSERT_EQ(0, stat(SECOND "/file", &third));
	EXPECT_EQ(FAN_OPEN, only_event(sock, &third));
	ASSERT_EQ(0, close(sock));
}

/* The memory files are a tmpfs that cannot be mounted. */
TEST(memfd)
{
	int sock = global_listener(FAN_MODIFY);
	int fd = memfd_create("fanotify_test", MFD_CLOEXEC);
	struct stat st;

	ASSERT_LE(0, sock);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	ASSERT_EQ(0, ignore_sb(sock, TMPFS_MAGIC, ALL_EVENTS));
	ASSERT_EQ(1, write(fd, "x", 1));
	EXPECT_EQ(0, all_events(sock, &st));
	ASSERT_EQ(0, ignore_sb(sock, TMPFS_MAGIC, 0));
	ASSERT_EQ(1, write(fd, "x", 1));
	EXPECT_EQ(FAN_MODIFY, all_events(sock, &st));
}

/**
 * struct mounter - a thread that mounts while something else is done
 *
 * @go: The number of mounts to be made.
 * @done: The number of those that are made.
 * @error: What mount() failed with.
 */
struct mounter {
	int go;
	int done;
	int error;
};

static void *mounter_main(void *arg)
{
	struct mounter *mounter = arg;
	int go;

	for (;;) {
		go = __atomic_load_n(&mounter->go, __ATOMIC_ACQUIRE);
		if (go < 0)
			return NULL;
		if (go == mounter->done) {
			sched_yield();
			continue;
		}
		if (mount("fanotify_test", MNT, "ramfs", 0, NULL))
			mounter->error = errno;
		__atomic_store_n(&mounter->done, go, __ATOMIC_RELEASE);
	}
}

/* A superblock that is born while it becomes ignored, or no longer is */
TEST(race_with_mount)
{
	long long end = now_ms() + 3000;
	int sock = global_listener(FAN_OPEN);
	struct mounter mounter = {};
	int round, rounds = 0;
	pthread_t thread;
	struct stat st;

	private_tmp(_metadata);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, mkdir(MNT, 0755));
	ASSERT_EQ(0, pthread_create(&thread, NULL, mounter_main, &mounter));
	for (round = 1; round <= 10 || now_ms() < end; round++) {
		bool ignored = round % 2;

		__atomic_store_n(&mounter.go, round, __ATOMIC_RELEASE);
		ASSERT_EQ(0, ignore_sb(sock, RAMFS_MAGIC,
				       ignored ? FAN_OPEN : 0));
		while (__atomic_load_n(&mounter.done, __ATOMIC_ACQUIRE) !=
		       round)
			sched_yield();
		ASSERT_EQ(0, mounter.error);
		ASSERT_EQ(0, write_file(MNT "/file", SCRIPT));
		ASSERT_EQ(0, stat(MNT "/file", &st));
		ASSERT_EQ(ignored ? 0 : FAN_OPEN, all_events(sock, &st))
			TH_LOG("round %d", round);
		ASSERT_EQ(0, umount(MNT));
		rounds++;
	}
	__atomic_store_n(&mounter.go, -1, __ATOMIC_RELEASE);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_LE(10, rounds);
}

/* A listener that ignores one kind; and however often it is refused, does. */
FIXTURE(refusal)
{
	int sock;
	char before[8192];
};

FIXTURE_SETUP(refusal)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(MNT, 0755));
	ASSERT_EQ(0, mount("fanotify_test", MNT, "ramfs", 0, NULL));
	ASSERT_EQ(0, write_file(MNT "/file", SCRIPT));
	ASSERT_EQ(0, write_file(TMP "/file", SCRIPT));
	self->sock = global_listener(OPEN_CLOSE);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, ignore_sb(self->sock, RAMFS_MAGIC, FAN_OPEN));
	ASSERT_EQ(0, read_fdinfo(self->sock, self->before,
				 sizeof(self->before)));
}

FIXTURE_TEARDOWN(refusal)
{
	char after[sizeof(self->before)];
	struct stat st;

	EXPECT_EQ(0, read_fdinfo(self->sock, after, sizeof(after)));
	EXPECT_STREQ(self->before, after);
	EXPECT_EQ(0, drain(self->sock));
	EXPECT_EQ(0, stat(MNT "/file", &st));
	EXPECT_EQ(0, open_close(MNT "/file", O_RDONLY));
	EXPECT_EQ(FAN_CLOSE_NOWRITE, all_events(self->sock, &st));
	EXPECT_EQ(0, stat(TMP "/file", &st));
	EXPECT_EQ(0, open_close(TMP "/file", O_RDONLY));
	EXPECT_EQ(OPEN_CLOSE, all_events(self->sock, &st));
	EXPECT_EQ(0, close(self->sock));
	EXPECT_EQ(0, umount(MNT));
}

TEST_F(refusal, einval_length)
{
	static const socklen_t lens[] = { 0, 1, 8, 12, 15, 17, 24, 32, 4096,
					  0x7fffffff, 0x80000000, 0xffffffff };
	struct fanotify_so_sb sbs[256] = {
		{ .magic = TMPFS_MAGIC, .mask = ALL_EVENTS },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		EXPECT_EQ(-EINVAL, set_bytes(self->sock, sbs, lens[i])) {
			TH_LOG("length %u", lens[i]);
		}
		EXPECT_EQ(-EINVAL, set_bytes(self->sock, NULL, lens[i]));
	}
}

TEST_F(refusal, efault)
{
	long page = sysconf(_SC_PAGESIZE);
	char *mem;
	int i;

	EXPECT_EQ(-EFAULT, set_bytes(self->sock, NULL, 16));
	EXPECT_EQ(-EFAULT, set_bytes(self->sock, (void *)8, 16));
	mem = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, mem);
	ASSERT_EQ(0, munmap(mem + page, page));
	for (i = 1; i < 16; i++)
		EXPECT_EQ(-EFAULT, set_bytes(self->sock, mem + page - i, 16));
}

TEST_F(refusal, einval_flags)
{
	struct fanotify_so_sb sb = { .magic = TMPFS_MAGIC, .mask = FAN_OPEN };
	int i;

	for (i = 0; i < 32; i++) {
		sb.flags = 1U << i;
		EXPECT_EQ(-EINVAL, set_bytes(self->sock, &sb, sizeof(sb)));
	}
	/* Before it is looked up. */
	sb.mask = 0;
	EXPECT_EQ(-EINVAL, set_bytes(self->sock, &sb, sizeof(sb)));
}

/* Each bit for itself, and with an event. */
TEST_F(refusal, einval_mask)
{
	int i;

	for (i = 0; i < 32; i++) {
		__u32 bit = 1U << i;
		bool event = bit & (ALL_EVENTS | ALL_PERM | WHERE_EVENTS);
		bool legal = event || bit & (FAN_ONDIR | FAN_SURVIVE_MODIFY);

		EXPECT_EQ(event ? 0 : -EINVAL,
			  ignore_sb(self->sock, NO_MAGIC, bit)) {
			TH_LOG("mask %x", bit);
		}
		EXPECT_EQ(legal ? 0 : -EINVAL,
			  ignore_sb(self->sock, NO_MAGIC, FAN_OPEN | bit)) {
			TH_LOG("mask %x", FAN_OPEN | bit);
		}
		EXPECT_EQ(legal ? 0 : -ENOENT,
			  ignore_sb(self->sock, NO_MAGIC, 0));
	}
	EXPECT_EQ(-EINVAL, ignore_sb(self->sock, RAMFS_MAGIC,
				     FAN_ONDIR | FAN_SURVIVE_MODIFY));
}

TEST_F(refusal, einval_directed)
{
	int sock = deaf_listener();

	ASSERT_LE(0, sock);
	EXPECT_EQ(-EINVAL, ignore_sb(sock, RAMFS_MAGIC, FAN_OPEN));
	EXPECT_EQ(-EINVAL, ignore_sb(sock, RAMFS_MAGIC, 0));
	EXPECT_EQ(0, close(sock));
}

TEST_F(refusal, enoent)
{
	EXPECT_EQ(-ENOENT, ignore_sb(self->sock, TMPFS_MAGIC, 0));
	EXPECT_EQ(-ENOENT, ignore_sb(self->sock, 0, 0));
	ASSERT_EQ(0, ignore_sb(self->sock, TMPFS_MAGIC, FAN_OPEN));
	ASSERT_EQ(0, ignore_sb(self->sock, TMPFS_MAGIC, 0));
	EXPECT_EQ(-ENOENT, ignore_sb(self->sock, TMPFS_MAGIC, 0));
}

TEST_F(refusal, enospc)
{
	int i;

	/* One is there already; the last one is for later. */
	for (i = 1; i < MAX_MAGICS; i++)
		ASSERT_EQ(0, ignore_sb(self->sock, NO_MAGIC + i, FAN_OPEN));
	EXPECT_EQ(-ENOSPC, ignore_sb(self->sock, TMPFS_MAGIC, FAN_OPEN));
	EXPECT_EQ(-ENOSPC, ignore_sb(self->sock, NO_MAGIC + i, FAN_OPEN));
	EXPECT_EQ(-ENOENT, ignore_sb(self->sock, TMPFS_MAGIC, 0));
	/* Those that are there can be changed, and make room. */
	ASSERT_EQ(0, ignore_sb(self->sock, NO_MAGIC + 1, FAN_CLOSE));
	EXPECT_EQ(-ENOSPC, ignore_sb(self->sock, TMPFS_MAGIC, FAN_OPEN));
	ASSERT_EQ(0, ignore_sb(self->sock, NO_MAGIC + 1, 0));
	ASSERT_EQ(0, ignore_sb(self->sock, TMPFS_MAGIC, FAN_OPEN));
	EXPECT_EQ(-ENOSPC, ignore_sb(self->sock, NO_MAGIC + 1, FAN_OPEN));
	ASSERT_EQ(0, ignore_sb(self->sock, TMPFS_MAGIC, 0));
	for (i = 2; i < MAX_MAGICS; i++)
		ASSERT_EQ(0, ignore_sb(self->sock, NO_MAGIC + i, 0));
}

TEST(not_bound)
{
	int sock = new_socket();

	ASSERT_LE(0, sock);
	EXPECT_EQ(-ENOTCONN, ignore_sb(sock, TMPFS_MAGIC, FAN_OPEN));
	EXPECT_EQ(-ENOTCONN, ignore_sb(sock, TMPFS_MAGIC, 0));
	EXPECT_EQ(-ENOTCONN, set_bytes(sock, NULL, 0));
	EXPECT_EQ(-ENOTCONN, set_bytes(sock, NULL, 16));
	EXPECT_EQ(0, close(sock));
}

TEST(shut_down)
{
	int sock = global_listener(FAN_OPEN);

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, ignore_sb(sock, TMPFS_MAGIC, FAN_OPEN));
	ASSERT_EQ(0, result(shutdown(sock, SHUT_RDWR)));
	EXPECT_EQ(-ESHUTDOWN, ignore_sb(sock, TMPFS_MAGIC, FAN_OPEN));
	EXPECT_EQ(-ESHUTDOWN, ignore_sb(sock, TMPFS_MAGIC, 0));
	EXPECT_EQ(-ESHUTDOWN, set_bytes(sock, NULL, 0));
	EXPECT_EQ(-ESHUTDOWN, set_bytes(sock, NULL, 16));
	EXPECT_EQ(0, close(sock));
}

TEST_HARNESS_MAIN
