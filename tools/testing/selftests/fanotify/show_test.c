// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: what /proc tells of sockets
 */

#define _GNU_SOURCE
#include "marks.h"

#define HEADER "Inode State Group Priority Mask Flags Queued Bytes Delivered Dropped Uid Pid Waiting Timeouts Unasked\n"

#define FILE_PATH TMP "/file"
#define DIR_PATH TMP "/dir"

/* The magic of tmpfs, which <linux/magic.h> has as well */
#define TMPFS 0x01021994

/**
 * struct line - a line of /proc/net/fanotify
 *
 * @text: All of it behind the inode, to be compared at once.
 * @state: Its columns from here on.
 */
struct line {
	char text[256];
	char state[16];
	unsigned int group;
	unsigned int priority;
	char mask[16];
	char flags[16];
	unsigned int queued;
	unsigned int bytes;
	unsigned long long delivered;
	unsigned long long dropped;
	unsigned int uid;
	int pid;
	unsigned int waiting;
	unsigned long long timeouts;
	unsigned long long unasked;
};

static int parse(struct line *line, const char *text)
{
	char end;
	int n;

	snprintf(line->text, sizeof(line->text), "%s", text);
	n = sscanf(text, "%15s %u %u %15s %15s %u %u %llu %llu %u %d %u %llu %llu%c",
		   line->state, &line->group, &line->priority, line->mask,
		   line->flags, &line->queued, &line->bytes, &line->delivered,
		   &line->dropped, &line->uid, &line->pid, &line->waiting,
		   &line->timeouts, &line->unasked, &end);
	return n == 15 && end == '\n' ? 0 : -EPROTO;
}

/*
 * Finds the line of the inode; NULL to look at the number of lines only. That
 * many lines there are, or -errno: -ENOENT for no such line.
 */
static int look(ino_t ino, struct line *line)
{
	FILE *f = fopen("/proc/net/fanotify", "re");
	int count = 0, ret = line ? -ENOENT : 0;
	char text[256];

	if (!f)
		return -errno;
	if (!fgets(text, sizeof(text), f) || strcmp(text, HEADER))
		ret = -EPROTO;
	while (fgets(text, sizeof(text), f)) {
		char *rest;

		count++;
		if (line && strtoull(text, &rest, 10) == ino && *rest == ' ')
			ret = parse(line, rest + 1);
	}
	fclose(f);
	return ret < 0 ? ret : count;
}

/* The line of a socket. How many there are, or -errno. */
static int show(int sock, struct line *line)
{
	struct stat st;

	if (fstat(sock, &st))
		return -errno;
	return look(st.st_ino, line);
}

static int set_rcvbuf(int sock, int events)
{
	int bytes = events * FAN_SO_EVENT_COST;

	return result(setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &bytes,
				 sizeof(bytes)));
}

FIXTURE(show)
{
	int sock;
};

FIXTURE_SETUP(show)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	self->sock = new_socket();
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(show)
{
	close(self->sock);
}

TEST_F(show, unbound)
{
	struct line line;

	ASSERT_LT(0, show(self->sock, &line));
	EXPECT_STREQ("unbound 0 0 00000000 00000000 0 0 0 0 0 0 0 0 0\n", line.text);
}

TEST_F(show, bound)
{
	struct fanotify_addr addr = address(FAN_GLOBAL_LISTENER | FAN_ONDIR |
					    FAN_CLOSE_WRITE,
					    O_RDWR | O_CLOEXEC | O_NOATIME);
	struct line line;

	addr.priority = 4000000000U;
	ASSERT_EQ(0, do_bind(self->sock, &addr));
	ASSERT_LT(0, show(self->sock, &line));
	EXPECT_STREQ("bound", line.state);
	EXPECT_EQ(0, line.group);
	EXPECT_EQ(4000000000U, line.priority);
	EXPECT_STREQ("c0000008", line.mask);
	EXPECT_STREQ("03000002", line.flags);
	EXPECT_EQ(0, line.uid);
	EXPECT_EQ(getpid(), line.pid);
}

/* A directed listener's mask means nothing, and is shown as it was given. */
TEST_F(show, directed)
{
	struct fanotify_addr addr = address(FAN_MODIFY, O_RDONLY);
	char want[128];
	struct line line;

	addr.priority = 7;
	ASSERT_EQ(0, do_bind(self->sock, &addr));
	ASSERT_LT(0, show(self->sock, &line));
	sprintf(want, "bound 0 7 00000002 00000000 0 0 0 0 0 %d 0 0 0\n", getpid());
	EXPECT_STREQ(want, line.text);
}

/* Opens the file each time in another way, so that nothing merges. */
static int cause(int i)
{
	static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK,
				     O_APPEND, O_NOATIME };

	return open_close(FILE_PATH, flags[i]);
}

TEST_F(show, counters)
{
	struct fanotify_addr addr = address(0, O_RDONLY | O_CLOEXEC);
	struct fanotify_so_event_metadata ev, evs[3];
	struct line line;
	int i;

	ASSERT_EQ(0, do_bind(self->sock, &addr));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, set_rcvbuf(self->sock, 4));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, cause(i));
		ASSERT_LT(0, show(self->sock, &line));
		EXPECT_EQ(i + 1, line.queued);
		EXPECT_EQ((i + 1) * 256, line.bytes);
		EXPECT_EQ(0, line.delivered);
		EXPECT_EQ(0, line.dropped);
	}
	/* Merged is neither queued nor dropped. */
	ASSERT_EQ(0, cause(0));
	ASSERT_LT(0, show(self->sock, &line));
	EXPECT_EQ(4, line.queued);
	EXPECT_EQ(0, line.dropped);
	/* The overflow is to be read, but takes no room. */
	ASSERT_EQ(0, cause(4));
	ASSERT_EQ(0, cause(5));
	ASSERT_LT(0, show(self->sock, &line));
	EXPECT_EQ(5, line.queued);
	EXPECT_EQ(4 * 256, line.bytes);
	EXPECT_EQ(2, line.dropped);

	/* What a read fails to deliver stays. */
	EXPECT_EQ(-EFAULT, result(recv(self->sock, (void *)8, sizeof(ev), 0)));
	ASSERT_LT(0, show(self->sock, &line));
	EXPECT_EQ(5, line.queued);
	EXPECT_EQ(0, line.delivered);
	ASSERT_EQ(1, take_event(self->sock, &ev));
	close_event(&ev);
	ASSERT_LT(0, show(self->sock, &line));
	EXPECT_EQ(4, line.queued);
	EXPECT_EQ(3 * 256, line.bytes);
	EXPECT_EQ(1, line.delivered);
	ASSERT_EQ(sizeof(evs), recv(self->sock, evs, sizeof(evs), 0));
	for (i = 0; i < 3; i++)
		close_event(&evs[i]);
	ASSERT_LT(0, show(self->sock, &line));
	EXPECT_EQ(1, line.queued);
	EXPECT_EQ(0, line.bytes);
	EXPECT_EQ(4, line.delivered);
	/* That something was dropped remains, when that is read. */
	ASSERT_EQ(1, take_event(self->sock, &ev));
	EXPECT_EQ(FAN_Q_OVERFLOW, ev.mask);
	ASSERT_LT(0, show(self->sock, &line));
	EXPECT_EQ(0, line.queued);
	EXPECT_EQ(2, line.dropped);
}

TEST_F(show, shutdown)
{
	struct fanotify_addr addr = address(0, O_RDONLY);
	struct line line;
	char want[128];

	addr.priority = 3;
	ASSERT_EQ(0, do_bind(self->sock, &addr));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, cause(0));
	ASSERT_EQ(0, shutdown(self->sock, SHUT_RDWR));
	ASSERT_LT(0, show(self->sock, &line));
	sprintf(want, "shutdown 0 3 00000000 00000000 0 0 0 0 0 %d 0 0 0\n",
		getpid());
	EXPECT_STREQ(want, line.text);
}

TEST_F(show, several_sockets)
{
	struct fanotify_addr addr = address(0, O_RDONLY);
	struct line line;
	int before, i, socks[20];
	struct stat st;

	before = show(self->sock, &line);
	ASSERT_LT(0, before);
	for (i = 0; i < 20; i++) {
		socks[i] = new_socket();
		ASSERT_LE(0, socks[i]);
		addr.priority = i;
		ASSERT_EQ(0, i % 2 ? do_bind(socks[i], &addr) : 0);
		EXPECT_EQ(before + i + 1, show(socks[i], &line));
	}
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(before + 20 - i, show(socks[i], &line));
		EXPECT_STREQ(i % 2 ? "bound" : "unbound", line.state);
		EXPECT_EQ(i % 2 ? i : 0, line.priority);
		ASSERT_EQ(0, fstat(socks[i], &st));
		ASSERT_EQ(0, close(socks[i]));
		EXPECT_EQ(-ENOENT, look(st.st_ino, &line));
	}
	EXPECT_EQ(before, look(0, NULL));
}

/* It is there for everybody to read, however slowly. */
TEST_F(show, byte_by_byte)
{
	struct stat st;
	char want[64], text[4096] = "";
	size_t len = 0;
	int fd;

	ASSERT_EQ(0, fstat(self->sock, &st));
	ASSERT_EQ(0, become_nobody());
	fd = open("/proc/net/fanotify", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	while (len < sizeof(text) - 1 && read(fd, text + len, 1) == 1)
		len++;
	EXPECT_EQ(0, strncmp(text, HEADER, strlen(HEADER)));
	sprintf(want, "\n%llu unbound 0 0 00000000 00000000 0 0 0 0 0 0 0 0 0\n",
		(unsigned long long)st.st_ino);
	EXPECT_NE(NULL, strstr(text, want));
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(-EACCES, open_close("/proc/net/fanotify", O_WRONLY));
}

/* The owner is who made it, and the process who bound it. */
TEST_F(show, uid_and_pid)
{
	struct fanotify_addr addr = address(0, O_RDONLY);
	struct line line;
	pid_t child;
	int sock;

	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(-do_bind(self->sock, &addr));
	ASSERT_EQ(0, exit_status(child));
	ASSERT_LT(0, show(self->sock, &line));
	EXPECT_EQ(0, line.uid);
	/* It keeps its number when it is gone. */
	EXPECT_EQ(child, line.pid);

	ASSERT_EQ(0, setresuid(-1, NOBODY, -1));
	sock = new_socket();
	ASSERT_EQ(0, setresuid(-1, 0, -1));
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, do_bind(sock, &addr));
	ASSERT_LT(0, show(sock, &line));
	EXPECT_EQ(NOBODY, line.uid);
	EXPECT_EQ(getpid(), line.pid);
}

static void *bind_main(void *arg)
{
	struct fanotify_addr addr = address(0, O_RDONLY);

	return (void *)(long)do_bind(*(int *)arg, &addr);
}

/* It is the process, whichever of its threads it was. */
TEST_F(show, pid_of_a_thread)
{
	struct line line;
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, bind_main, &self->sock));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	ASSERT_EQ(NULL, ret);
	ASSERT_LT(0, show(self->sock, &line));
	EXPECT_EQ(getpid(), line.pid);
}

/* In a pid namespace that does not have the binder, and back. */
TEST_F(show, another_pid_namespace)
{
	struct fanotify_addr addr = address(0, O_RDONLY);
	int inner = new_socket();
	struct line line;
	int ready[2], go[2];
	pid_t child;
	char c;

	ASSERT_LE(0, inner);
	ASSERT_EQ(0, do_bind(self->sock, &addr));
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	ASSERT_EQ(0, unshare(CLONE_NEWPID));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		/* /proc is still that of the parent; what counts is who reads. */
		if (do_bind(inner, &addr) || show(inner, &line) <= 0 ||
		    line.pid != 1)
			_exit(1);
		if (show(self->sock, &line) <= 0 || line.pid)
			_exit(2);
		close(go[1]);
		_exit(write(ready[1], "x", 1) != 1 || read(go[0], &c, 1));
	}
	close(ready[1]);
	EXPECT_EQ(1, read(ready[0], &c, 1));
	ASSERT_LT(0, show(inner, &line));
	EXPECT_EQ(child, line.pid);
	ASSERT_LT(0, show(self->sock, &line));
	EXPECT_EQ(getpid(), line.pid);
	ASSERT_EQ(0, close(go[1]));
	EXPECT_EQ(0, exit_status(child));
}

/* Each network namespace has its own, wherever a descriptor of them is. */
TEST_F(show, another_net_namespace)
{
	struct line line;
	int outside, sock, net;

	outside = show(self->sock, &line);
	ASSERT_LT(0, outside);
	net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, net);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	EXPECT_EQ(0, look(0, NULL));
	EXPECT_EQ(-ENOENT, show(self->sock, &line));
	sock = deaf_listener();
	ASSERT_LE(0, sock);
	EXPECT_EQ(1, show(sock, &line));
	EXPECT_STREQ("bound", line.state);

	ASSERT_EQ(0, setns(net, CLONE_NEWNET));
	EXPECT_EQ(outside, show(self->sock, &line));
	EXPECT_EQ(-ENOENT, show(sock, &line));
	/* The last socket of a namespace keeps it. */
	EXPECT_EQ(0, close(sock));
	EXPECT_EQ(outside, look(0, NULL));
}

/* The lines of fdinfo that are of the socket, without those of all files. */
static int read_lines(int sock, char *text, size_t size)
{
	int ret = read_fdinfo(sock, text, size);
	char *own;

	if (ret)
		return ret;
	own = strstr(text, "\nfanotify");
	own = own ? own + 1 : text + strlen(text);
	memmove(text, own, strlen(own) + 1);
	return 0;
}

/* As the kernel keeps it, with 20 bits for the minor number. */
static unsigned int kernel_dev(const struct stat *st)
{
	return major(st->st_dev) << 20 | minor(st->st_dev);
}

/* What fdinfo is to say of a mark. */
static int print_mark(char *line, const char *path, __u32 mask,
		      __u32 ignored_mask)
{
	struct {
		struct file_handle handle;
		unsigned char bytes[128];
	} fh = { .handle.handle_bytes = sizeof(fh.bytes) };
	struct stat st;
	unsigned int i;
	int mount;

	if (stat(path, &st) ||
	    name_to_handle_at(AT_FDCWD, path, &fh.handle, &mount, 0))
		return -errno;
	line += sprintf(line,
			"fanotify ino:%llx sdev:%x mask:%x ignored_mask:%x fhandle-bytes:%x fhandle-type:%x f_handle:",
			(unsigned long long)st.st_ino, kernel_dev(&st), mask,
			ignored_mask, fh.handle.handle_bytes,
			fh.handle.handle_type);
	for (i = 0; i < fh.handle.handle_bytes; i++)
		line += sprintf(line, "%02x", fh.bytes[i]);
	sprintf(line, "\n");
	return 0;
}

/* What is the same for all files comes first, then nothing. */
TEST_F(show, fdinfo_unbound)
{
	char text[4096];

	ASSERT_EQ(0, read_fdinfo(self->sock, text, sizeof(text)));
	EXPECT_EQ(0, strncmp(text, "pos:\t0\nflags:\t02000002\n", 23));
	ASSERT_EQ(0, read_lines(self->sock, text, sizeof(text)));
	EXPECT_STREQ("", text);
}

TEST_F(show, fdinfo_directed)
{
	struct fanotify_addr addr = address(0, O_RDWR | O_CLOEXEC);
	char text[4096], file[512], dir[512], *rest;
	const char *head;

	addr.priority = 12;
	ASSERT_EQ(0, do_bind(self->sock, &addr));
	ASSERT_EQ(0, set_rcvbuf(self->sock, 100));
	head = "fanotify-socket group:0 priority:12 mask:0 f_flags:2000002 queue-bytes:25600\n";
	ASSERT_EQ(0, read_lines(self->sock, text, sizeof(text)));
	EXPECT_STREQ(head, text);

	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN | FAN_MODIFY,
			       FAN_CLOSE_WRITE | FAN_SURVIVE_MODIFY));
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, FAN_ACCESS | FAN_ONDIR |
			       FAN_EVENT_ON_CHILD, 0));
	ASSERT_EQ(0, print_mark(file, FILE_PATH, FAN_OPEN | FAN_MODIFY,
				FAN_CLOSE_WRITE | FAN_SURVIVE_MODIFY));
	ASSERT_EQ(0, print_mark(dir, DIR_PATH, FAN_ACCESS | FAN_ONDIR |
				FAN_EVENT_ON_CHILD, 0));
	ASSERT_EQ(0, read_lines(self->sock, text, sizeof(text)));
	/* The marks come in any order. */
	EXPECT_EQ(0, strncmp(head, text, strlen(head)));
	EXPECT_EQ(strlen(head) + strlen(file) + strlen(dir), strlen(text));
	EXPECT_NE(NULL, strstr(text, file)) {
		TH_LOG("%s is not in %s", file, text);
	}
	EXPECT_NE(NULL, strstr(text, dir)) {
		TH_LOG("%s is not in %s", dir, text);
	}

	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, 0, 0));
	ASSERT_EQ(0, read_lines(self->sock, text, sizeof(text)));
	rest = text + strlen(head);
	EXPECT_EQ(0, strncmp(head, text, strlen(head)));
	EXPECT_STREQ(dir, rest);
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, 0, 0));
	ASSERT_EQ(0, read_lines(self->sock, text, sizeof(text)));
	EXPECT_STREQ(head, text);
}

/* A file system with devices of its own, and handles of another kind. */
TEST_F(show, fdinfo_on_ext4)
{
	struct fanotify_addr addr = address(0, O_RDONLY);
	char text[4096], line[512];

	ASSERT_EQ(0, do_bind(self->sock, &addr));
	ASSERT_EQ(0, mark_path(self->sock, "/mnt", FAN_OPEN | FAN_ONDIR, 0));
	ASSERT_EQ(0, print_mark(line, "/mnt", FAN_OPEN | FAN_ONDIR, 0));
	ASSERT_EQ(0, read_lines(self->sock, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, line)) {
		TH_LOG("%s is not in %s", line, text);
	}
}

/*
 * To look changes nothing: overlayfs would copy the directory up to make a
 * handle of it.
 */
TEST_F(show, fdinfo_on_overlayfs)
{
	struct fanotify_addr addr = address(0, O_RDONLY);
	char text[4096], options[256], line[128], *found;
	/* The disk of the guest is ext4, with the attributes that this needs. */
	char disk[] = "/mnt/fanotify_test.XXXXXX";
	struct stat st;

	ASSERT_EQ(0, do_bind(self->sock, &addr));
	ASSERT_NE(NULL, mkdtemp(disk));
	ASSERT_EQ(0, chdir(disk));
	ASSERT_EQ(0, mkdir("lower", 0755));
	ASSERT_EQ(0, mkdir("lower/dir", 0755));
	ASSERT_EQ(0, mkdir("upper", 0755));
	ASSERT_EQ(0, mkdir("work", 0755));
	sprintf(options,
		"index=on,nfs_export=on,lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work",
		disk, disk, disk);
	ASSERT_EQ(0, mount("fanotify_test", DIR_PATH, "overlay", 0, options));
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH "/dir",
			       FAN_OPEN | FAN_ONDIR, 0));
	ASSERT_EQ(0, stat(DIR_PATH "/dir", &st));
	sprintf(line, "fanotify ino:%llx sdev:%x mask:%x ignored_mask:0 ",
		(unsigned long long)st.st_ino, kernel_dev(&st),
		FAN_OPEN | FAN_ONDIR);
	ASSERT_EQ(0, read_lines(self->sock, text, sizeof(text)));
	found = strstr(text, line);
	ASSERT_NE(NULL, found) {
		TH_LOG("%s is not in %s", line, text);
	}
	EXPECT_EQ('\n', found[strlen(line)]);
	EXPECT_EQ(-ENOENT, result(access("upper/dir", F_OK)));
}

/* The ignored mask goes with a modification, and with it what is shown. */
TEST_F(show, fdinfo_after_a_modification)
{
	struct fanotify_addr addr = address(0, O_RDONLY);
	char text[4096], line[512];

	ASSERT_EQ(0, do_bind(self->sock, &addr));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN, FAN_ACCESS));
	ASSERT_EQ(0, print_mark(line, FILE_PATH, FAN_OPEN, FAN_ACCESS));
	ASSERT_EQ(0, read_lines(self->sock, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, line));
	ASSERT_EQ(0, write_file(FILE_PATH, "new text"));
	ASSERT_EQ(0, print_mark(line, FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, read_lines(self->sock, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, line));
}

/* What was asked for at bind() is still told; marks are gone. */
TEST_F(show, fdinfo_shutdown)
{
	struct fanotify_addr addr = address(FAN_OPEN, O_RDONLY | O_NONBLOCK);
	char text[4096], line[512];
	const char *head;

	addr.priority = 5;
	ASSERT_EQ(0, do_bind(self->sock, &addr));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, print_mark(line, FILE_PATH, FAN_OPEN, 0));
	head = "fanotify-socket group:0 priority:5 mask:20 f_flags:4000 queue-bytes:4194304\n";
	ASSERT_EQ(0, read_lines(self->sock, text, sizeof(text)));
	EXPECT_EQ(0, strncmp(head, text, strlen(head)));
	EXPECT_STREQ(line, text + strlen(head));
	ASSERT_EQ(0, shutdown(self->sock, SHUT_RDWR));
	ASSERT_EQ(0, read_lines(self->sock, text, sizeof(text)));
	EXPECT_STREQ(head, text);
}

/* A line for each file system, those too that are mounted later. */
TEST_F(show, fdinfo_global)
{
	struct fanotify_addr addr = address(FAN_GLOBAL_LISTENER | FAN_OPEN |
					    FAN_ONDIR, O_RDONLY);
	struct fanotify_so_sb sb = { .magic = TMPFS, .mask = FAN_OPEN };
	char text[16384], line[128], none[128];
	const char *head;
	struct stat st;

	ASSERT_EQ(0, do_bind(self->sock, &addr));
	ASSERT_EQ(0, read_lines(self->sock, text, sizeof(text)));
	head = "fanotify-socket group:0 priority:0 mask:c0000020 f_flags:0 queue-bytes:4194304\n";
	EXPECT_EQ(0, strncmp(head, text, strlen(head))) {
		TH_LOG("%s", text);
	}
	EXPECT_EQ(NULL, strstr(text, "fanotify ino:"));
	ASSERT_EQ(0, stat(TMP, &st));
	sprintf(line, "\nfanotify sdev:%x mask:40000020 ignored_mask:0\n",
		kernel_dev(&st));
	EXPECT_NE(NULL, strstr(text, line));
	ASSERT_EQ(0, stat("/mnt", &st));
	sprintf(line, "\nfanotify sdev:%x mask:40000020 ignored_mask:0\n",
		kernel_dev(&st));
	EXPECT_NE(NULL, strstr(text, line));

	/* What is ignored by magic is the ignored mask of these. */
	ASSERT_EQ(0, result(setsockopt(self->sock, SOL_FANOTIFY,
				       FANOTIFY_IGNORE_SB, &sb, sizeof(sb))));
	ASSERT_EQ(0, mount("fanotify_test", DIR_PATH, "tmpfs", 0, NULL));
	ASSERT_EQ(0, read_lines(self->sock, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, line));
	ASSERT_EQ(0, stat(TMP, &st));
	sprintf(line, "\nfanotify sdev:%x mask:40000020 ignored_mask:20000020\n",
		kernel_dev(&st));
	EXPECT_NE(NULL, strstr(text, line)) {
		TH_LOG("%s is not in %s", line, text);
	}
	ASSERT_EQ(0, stat(DIR_PATH, &st));
	sprintf(line, "\nfanotify sdev:%x mask:40000020 ignored_mask:20000020\n",
		kernel_dev(&st));
	EXPECT_NE(NULL, strstr(text, line)) {
		TH_LOG("%s is not in %s", line, text);
	}
	/* What is unmounted is gone. */
	sprintf(none, "\nfanotify sdev:%x ", kernel_dev(&st));
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(0, umount(DIR_PATH));
	ASSERT_EQ(0, read_lines(self->sock, text, sizeof(text)));
	EXPECT_EQ(NULL, strstr(text, none));

	sb.mask = 0;
	ASSERT_EQ(0, result(setsockopt(self->sock, SOL_FANOTIFY,
				       FANOTIFY_IGNORE_SB, &sb, sizeof(sb))));
	ASSERT_EQ(0, stat(TMP, &st));
	sprintf(line, "\nfanotify sdev:%x mask:40000020 ignored_mask:0\n",
		kernel_dev(&st));
	ASSERT_EQ(0, read_lines(self->sock, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, line));
}

/* The descriptor of another process tells the same. */
TEST_F(show, fdinfo_of_another_process)
{
	struct fanotify_addr addr = address(0, O_RDONLY);
	char path[64], text[4096] = "", own[4096];
	int ready[2], go[2], fd;
	pid_t child;
	char c;

	ASSERT_EQ(0, do_bind(self->sock, &addr));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(go[1]);
		_exit(write(ready[1], "x", 1) != 1 || read(go[0], &c, 1));
	}
	ASSERT_EQ(1, read(ready[0], &c, 1));
	ASSERT_EQ(0, read_fdinfo(self->sock, own, sizeof(own)));
	sprintf(path, "/proc/%d/fdinfo/%d", child, self->sock);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_LT(0, read(fd, text, sizeof(text) - 1));
	EXPECT_EQ(0, close(fd));
	EXPECT_STREQ(own, text);
	ASSERT_EQ(0, close(go[1]));
	EXPECT_EQ(0, exit_status(child));
}

TEST_HARNESS_MAIN
