// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: user space gets what was promised, and no byte more
 *
 * Every buffer is full of a pattern before a call. What the call says that it
 * has written is as documented, and all behind that is still the pattern. All
 * of it twice, with memory of the kernel that was used for different things
 * before, so that what is not initialised differs from what is expected once at
 * least.
 */

#define _GNU_SOURCE
#include <ctype.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/xattr.h>

#include "marks.h"

#define FILE_PATH TMP "/file"
#define PATTERN 0xc3
#define BUF_SIZE 32768
/* No number that is to be seen is as high, and all pointers of a kernel are. */
#define KERNEL_SPACE 0xffff800000000000ULL
#define ALL_RECORDS (FAN_REPORT_DFID_NAME_TARGET | FAN_REPORT_PIDFD | \
		     FAN_REPORT_PATH)

struct message {
	long type;
	char text[8192];
};

/* Messages at a time: a queue has room for 16384 bytes. */
#define ROOM 16384

/* One for each size that the kernel has memory of */
static const size_t sizes[] = {
	8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192,
};

/* What the kernel has in front of a message */
#define MSG_HEAD 48

/* As many as fit are there at a time. */
static int spray_messages(char byte, size_t size)
{
	int queue = msgget(IPC_PRIVATE, 0600);
	struct message msg = { .type = 1 };
	size_t i;

	memset(msg.text, byte, size);
	for (i = 0; i < ROOM / size; i++) {
		if (msgsnd(queue, &msg, size, IPC_NOWAIT))
			return -1;
	}
	return msgctl(queue, IPC_RMID, NULL);
}

/* Fills memory of all sizes with the byte, and frees it. */
static int spray(char byte)
{
	static char value[8192];
	size_t i;

	memset(value, byte, sizeof(value));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (sizes[i] > MSG_HEAD &&
		    spray_messages(byte, sizes[i] - MSG_HEAD))
			return -1;
		/* It is copied before it is known whether it can be kept. */
		setxattr(TMP, "user.x", value, sizes[i], 0);
	}
	return 0;
}

FIXTURE(leak)
{
	int sock;
	unsigned char *buf;
};

FIXTURE_VARIANT(leak) {
	char before;
};

FIXTURE_VARIANT_ADD(leak, memory_a5) { .before = 0xa5 };
FIXTURE_VARIANT_ADD(leak, memory_5a) { .before = 0x5a };

FIXTURE_SETUP(leak)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	self->buf = malloc(BUF_SIZE);
	ASSERT_NE(NULL, self->buf);
	memset(self->buf, PATTERN, BUF_SIZE);
	ASSERT_EQ(0, spray(variant->before));
	self->sock = new_socket();
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(leak)
{
	free(self->buf);
	close(self->sock);
}

/* Is it the pattern from there to the end? */
static bool untouched(const void *buf, size_t from, size_t size)
{
	const unsigned char *p = buf;

	for (; from < size; from++) {
		if (p[from] != PATTERN)
			return false;
	}
	return true;
}

static bool all_zero(const void *from, const void *to)
{
	const char *p;

	for (p = from; p < (const char *)to; p++) {
		if (*p)
			return false;
	}
	return true;
}

static int bind_to(int sock, __u32 mask)
{
	struct fanotify_addr addr = address(mask, O_RDONLY | O_CLOEXEC);

	return do_bind(sock, &addr);
}

TEST_F(leak, getsockopt)
{
	static const struct {
		int name;
		__u32 value;
	} options[] = {
		{ FANOTIFY_RESPONSE_TIMEOUT, FAN_SO_DEFAULT_TIMEOUT },
		{ FANOTIFY_TIMEOUT_POLICY, FAN_ALLOW },
		{ FANOTIFY_REPORT, 0 },
		{ FANOTIFY_IGNORE_SELF, 0 },
		{ FANOTIFY_LINGER, 0 },
	};
	socklen_t len;
	__u32 value;
	size_t i;

	ASSERT_EQ(0, bind_to(self->sock, 0));
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		memset(self->buf, PATTERN, BUF_SIZE);
		len = 64;
		ASSERT_EQ(0, getsockopt(self->sock, SOL_FANOTIFY,
					options[i].name, self->buf, &len));
		EXPECT_EQ(4, len);
		memcpy(&value, self->buf, sizeof(value));
		EXPECT_EQ(options[i].value, value);
		EXPECT_TRUE(untouched(self->buf, len, BUF_SIZE));
	}
}

/* A call that fails writes nothing. */
TEST_F(leak, getsockopt_fails)
{
	socklen_t len;
	int name;

	for (name = 0; name < 16; name++) {
		len = 64;
		if (name != FANOTIFY_REPORT)
			EXPECT_EQ(-1, getsockopt(self->sock, SOL_FANOTIFY, name,
						 self->buf, &len));
		EXPECT_EQ(64, len);
	}
	ASSERT_EQ(0, bind_to(self->sock, 0));
	for (name = 0; name < 16; name++) {
		len = 3;
		EXPECT_EQ(-1, getsockopt(self->sock, SOL_FANOTIFY, name,
					 self->buf, &len));
		EXPECT_EQ(3, len);
	}
	EXPECT_TRUE(untouched(self->buf, 0, BUF_SIZE));
}

static void expect_name(struct __test_metadata *_metadata, int sock,
			unsigned char *buf, const struct fanotify_addr *addr)
{
	socklen_t len, size;

	for (size = 0; size <= sizeof(*addr) + 50; size += 3) {
		memset(buf, PATTERN, BUF_SIZE);
		len = size;
		ASSERT_EQ(0, getsockname(sock, (struct sockaddr *)buf, &len));
		EXPECT_EQ(sizeof(*addr), len);
		if (size > len)
			size = len;
		EXPECT_EQ(0, memcmp(buf, addr, size));
		EXPECT_TRUE(untouched(buf, size, BUF_SIZE));
		if (size == len)
			break;
	}
}

TEST_F(leak, getsockname)
{
	struct fanotify_addr addr = { .family = AF_FANOTIFY };

	expect_name(_metadata, self->sock, self->buf, &addr);
	/* A bind that fails leaves nothing behind. */
	addr.priority = 5;
	addr.unused[3] = 0x12345678;
	EXPECT_EQ(-EINVAL, do_bind(self->sock, &addr));
	addr = (struct fanotify_addr){ .family = AF_FANOTIFY };
	expect_name(_metadata, self->sock, self->buf, &addr);

	addr = address(FAN_GLOBAL_LISTENER | FAN_OPEN, O_RDONLY | O_CLOEXEC);
	addr.priority = 5;
	ASSERT_EQ(0, do_bind(self->sock, &addr));
	expect_name(_metadata, self->sock, self->buf, &addr);
}

TEST_F(leak, fionread)
{
	ASSERT_EQ(0, bind_to(self->sock, 0));
	ASSERT_EQ(0, ioctl(self->sock, FIONREAD, self->buf));
	EXPECT_TRUE(all_zero(self->buf, self->buf + sizeof(int)));
	EXPECT_TRUE(untouched(self->buf, sizeof(int), BUF_SIZE));
}

/* Has it a listener to the file, and something to read */
static void make_event(struct __test_metadata *_metadata, int sock)
{
	ASSERT_EQ(0, bind_to(sock, 0));
	ASSERT_EQ(0, mark_path(sock, FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDWR));
}

static void expect_event(struct __test_metadata *_metadata, const void *buf)
{
	struct fanotify_so_event_metadata ev;

	memcpy(&ev, buf, sizeof(ev));
	EXPECT_EQ(sizeof(ev), ev.event_len);
	EXPECT_LE(0, ev.fd);
	EXPECT_EQ(FAN_OPEN, ev.mask);
	/* The C library asks for large files where a program does not. */
	EXPECT_EQ(O_RDWR, ev.f_flags & ~0100000);
	EXPECT_EQ(getpid(), ev.pid);
	EXPECT_EQ(getpid(), ev.tgid);
	EXPECT_EQ(0, ev.cookie);
	close(ev.fd);
}

TEST_F(leak, recv)
{
	make_event(_metadata, self->sock);
	ASSERT_EQ(FAN_SO_EVENT_LEN, recv(self->sock, self->buf, BUF_SIZE,
					 MSG_DONTWAIT));
	expect_event(_metadata, self->buf);
	EXPECT_TRUE(untouched(self->buf, FAN_SO_EVENT_LEN, BUF_SIZE));
}

TEST_F(leak, recv_fails)
{
	make_event(_metadata, self->sock);
	EXPECT_EQ(-1, recv(self->sock, self->buf, FAN_SO_EVENT_LEN - 1,
			   MSG_DONTWAIT));
	EXPECT_EQ(-1, recv(self->sock, self->buf, BUF_SIZE,
			   MSG_DONTWAIT | MSG_PEEK));
	EXPECT_TRUE(untouched(self->buf, 0, BUF_SIZE));
	EXPECT_EQ(FAN_SO_EVENT_LEN, recv(self->sock, self->buf, BUF_SIZE, 0));
	expect_event(_metadata, self->buf);
}

/* It comes from nobody, and with nothing. */
TEST_F(leak, recvmsg)
{
	struct iovec iov = { self->buf, 1024 };
	unsigned char name[256], control[256];
	struct msghdr msg = {
		.msg_name = name,
		.msg_namelen = sizeof(name),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};

	memset(name, PATTERN, sizeof(name));
	memset(control, PATTERN, sizeof(control));
	make_event(_metadata, self->sock);
	ASSERT_EQ(FAN_SO_EVENT_LEN, recvmsg(self->sock, &msg, MSG_DONTWAIT));
	expect_event(_metadata, self->buf);
	EXPECT_EQ(0, msg.msg_namelen);
	EXPECT_EQ(0, msg.msg_controllen);
	EXPECT_EQ(0, msg.msg_flags & ~MSG_CMSG_CLOEXEC);
	EXPECT_TRUE(untouched(name, 0, sizeof(name)));
	EXPECT_TRUE(untouched(control, 0, sizeof(control)));
	EXPECT_TRUE(untouched(self->buf, FAN_SO_EVENT_LEN, BUF_SIZE));
}

TEST_F(leak, recvfrom)
{
	unsigned char name[256];
	socklen_t len = sizeof(name);

	memset(name, PATTERN, sizeof(name));
	make_event(_metadata, self->sock);
	ASSERT_EQ(FAN_SO_EVENT_LEN, recvfrom(self->sock, self->buf, BUF_SIZE, 0,
					     (struct sockaddr *)name, &len));
	expect_event(_metadata, self->buf);
	EXPECT_EQ(0, len);
	EXPECT_TRUE(untouched(name, 0, sizeof(name)));
}

static bool is_path(const struct fanotify_event_info_header *hdr)
{
	return hdr->info_type == FAN_EVENT_INFO_TYPE_PATH ||
	       hdr->info_type == FAN_EVENT_INFO_TYPE_OLD_PATH ||
	       hdr->info_type == FAN_EVENT_INFO_TYPE_NEW_PATH;
}

/* Where the text of a record ends that has one, or else its other bytes */
static const char *end_of_record(const struct fanotify_event_info_header *hdr)
{
	const struct fanotify_event_info_fid *fid = (const void *)hdr;
	const struct fanotify_event_info_path *path = (const void *)hdr;
	const struct file_handle *fh = (const void *)fid->handle;
	const char *end;

	if (is_path(hdr))
		return path->path + strlen(path->path) + 1;
	switch (hdr->info_type) {
	case FAN_EVENT_INFO_TYPE_PIDFD:
		return (const char *)hdr +
		       sizeof(struct fanotify_event_info_pidfd);
	case FAN_EVENT_INFO_TYPE_FID:
	case FAN_EVENT_INFO_TYPE_DFID:
		return (const char *)fh->f_handle + fh->handle_bytes;
	default:
		end = (const char *)fh->f_handle + fh->handle_bytes;
		return end + strlen(end) + 1;
	}
}

/* Everything behind that is 0, and no word is a pointer. Returns the padding. */
static int expect_record(struct __test_metadata *_metadata,
			 const struct fanotify_event_info_header *hdr)
{
	const char *start = (const char *)hdr, *end = start + hdr->len, *p;
	const char *last = end_of_record(hdr);
	__u64 word;

	EXPECT_EQ(0, hdr->pad);
	EXPECT_EQ(0, hdr->len % 8);
	EXPECT_LE(last, end);
	EXPECT_GT(8, end - last);
	EXPECT_TRUE(all_zero(last, end));
	/* What a handle is made of is the file system's business. */
	for (p = start; is_path(hdr) && p + sizeof(word) <= end; p += 4) {
		memcpy(&word, p, sizeof(word));
		EXPECT_GT(KERNEL_SPACE, word);
	}
	return end - last;
}

/* All of what was read: how many records, or -1 */
static int expect_records(struct __test_metadata *_metadata,
			  const unsigned char *buf, ssize_t len)
{
	const struct fanotify_so_event_metadata *ev = (const void *)buf;
	const struct fanotify_event_info_header *hdr;
	const struct fanotify_event_info_pidfd *pidfd;
	int count = 0, padding = 0;
	const char *p;

	for (; FAN_SO_EVENT_OK(ev, len); ev = FAN_SO_EVENT_NEXT(ev, len)) {
		EXPECT_EQ(0, ev->cookie);
		EXPECT_EQ(getpid(), ev->tgid);
		p = (const char *)(ev + 1);
		for (; p < (const char *)ev + ev->event_len; p += hdr->len) {
			hdr = (const void *)p;
			if (hdr->len < sizeof(*hdr))
				return -1;
			padding += expect_record(_metadata, hdr);
			pidfd = (const void *)hdr;
			if (hdr->info_type == FAN_EVENT_INFO_TYPE_PIDFD)
				close(pidfd->pidfd);
			count++;
		}
		close_event(ev);
	}
	EXPECT_LT(0, padding);
	return len ? -1 : count;
}

/* Names of all lengths up to that, so that there is padding of all lengths */
#define MAX_NAME 24

static void do_names(struct __test_metadata *_metadata)
{
	char path[128], to[128];
	int i;

	for (i = 1; i <= MAX_NAME; i++) {
		sprintf(path, TMP "/%.*s", i, "abcdefghijklmnopqrstuvwxyz");
		sprintf(to, TMP "/%.*s", MAX_NAME + 1 - i,
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ");
		ASSERT_EQ(0, write_file(path, "text"));
		ASSERT_EQ(0, rename(path, to));
		ASSERT_EQ(0, chmod(to, 0600));
		ASSERT_EQ(0, unlink(to));
	}
}

static void expect_all(struct __test_metadata *_metadata, int sock,
		       unsigned char *buf, char before, __u32 report)
{
	int count = 0, got;
	ssize_t len;

	ASSERT_EQ(0, setsockopt(sock, SOL_FANOTIFY, FANOTIFY_REPORT, &report,
				sizeof(report)));
	ASSERT_EQ(0, bind_to(sock, 0));
	ASSERT_EQ(0, mark_path(sock, TMP, FAN_ON_FILESYSTEM | FAN_OPEN |
			       FAN_CLOSE | FAN_MODIFY | WHERE_EVENTS, 0));
	do_names(_metadata);
	for (;;) {
		ASSERT_EQ(0, spray(before));
		memset(buf, PATTERN, BUF_SIZE);
		len = recv(sock, buf, BUF_SIZE - 64, MSG_DONTWAIT);
		if (len < 0)
			break;
		got = expect_records(_metadata, buf, len);
		ASSERT_LT(0, got);
		count += got;
		EXPECT_TRUE(untouched(buf, len, BUF_SIZE));
	}
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_LT(5 * MAX_NAME, count);
}

TEST_F(leak, records)
{
	expect_all(_metadata, self->sock, self->buf, variant->before,
		   ALL_RECORDS | FAN_REPORT_NOFD);
}

TEST_F(leak, records_of_paths)
{
	expect_all(_metadata, self->sock, self->buf, variant->before,
		   FAN_REPORT_PATH);
}

TEST_F(leak, records_of_handles)
{
	expect_all(_metadata, self->sock, self->buf, variant->before,
		   FAN_REPORT_DFID_NAME);
}

/* All numbers in it, whatever they are, and the bytes behind the text */
static void expect_no_pointer(struct __test_metadata *_metadata,
			      const char *path, unsigned char *buf)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;
	char *p;

	ASSERT_LE(0, fd);
	memset(buf, PATTERN, BUF_SIZE);
	len = read(fd, buf, BUF_SIZE);
	ASSERT_LT(0, len);
	ASSERT_GT(BUF_SIZE, len);
	EXPECT_TRUE(untouched(buf, len, BUF_SIZE));
	EXPECT_EQ(0, read(fd, buf + len, BUF_SIZE - len));
	EXPECT_TRUE(untouched(buf, len, BUF_SIZE));
	close(fd);
	buf[len] = 0;
	EXPECT_EQ(len, strlen((char *)buf));
	for (p = (char *)buf; *p; p++) {
		/* What a handle is made of is the file system's business. */
		if (!strncmp(p, "f_handle:", 9))
			p += strcspn(p, "\n");
		if (!isxdigit(*p))
			continue;
		EXPECT_GT(KERNEL_SPACE, strtoull(p, NULL, 10));
		EXPECT_GT(KERNEL_SPACE, strtoull(p, NULL, 16));
	}
}

TEST_F(leak, proc)
{
	char path[64];

	expect_no_pointer(_metadata, "/proc/net/fanotify", self->buf);
	make_event(_metadata, self->sock);
	ASSERT_EQ(0, mark_path(self->sock, TMP, FAN_OPEN | FAN_ON_FILESYSTEM, 0));
	ASSERT_EQ(0, mark_path(self->sock, TMP, FAN_OPEN | FAN_ON_MOUNT, 0));
	ASSERT_EQ(0, mark_path(self->sock, TMP, FAN_OPEN | FAN_ON_SUBTREE, 0));
	expect_no_pointer(_metadata, "/proc/net/fanotify", self->buf);
	sprintf(path, "/proc/self/fdinfo/%d", self->sock);
	expect_no_pointer(_metadata, path, self->buf);
}

/* In a pid namespace of its own: what it sees of those inside, and outside */
static int read_inside(int sock, const struct stat *st)
{
	struct fanotify_so_event_metadata ev;

	if (next_event(sock, st, &ev) || ev.pid || ev.tgid)
		return 1;
	close_event(&ev);
	if (open_close(FILE_PATH, O_RDONLY) || next_event(sock, st, &ev) ||
	    ev.pid != 1 || ev.tgid != 1)
		return 2;
	close_event(&ev);
	return 0;
}

TEST_F(leak, pids)
{
	struct stat st;
	pid_t child;

	ASSERT_EQ(0, stat(FILE_PATH, &st));
	make_event(_metadata, self->sock);
	ASSERT_EQ(0, unshare(CLONE_NEWPID));
	child = fork();
	if (!child)
		_exit(read_inside(self->sock, &st));
	EXPECT_EQ(0, exit_status(child));
}

TEST_HARNESS_MAIN
