/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: a FUSE server with one file, which answers when, and as
 * badly as, a test wants
 */
#ifndef FANOTIFY_TEST_FUSE_H
#define FANOTIFY_TEST_FUSE_H

#include <linux/fuse.h>
#include <signal.h>
#include <sys/prctl.h>

#include "common.h"

#define MNT TMP "/fuse"
#define FUSE_FILE MNT "/file"
#define ROOT_ID 1
#define FILE_ID 2

/**
 * struct server - what the server does
 *
 * @dev: /dev/fuse, mounted.
 * @image: What is in the file.
 * @owner: Who mounted it, as far as FUSE knows: nobody else gets in.
 * @opens: How many times the file can be opened.
 * @open_error: With what opening it fails after that; 0 for never.
 * @reading: An eventfd that tells of the first read from the file, or -1.
 * @opening: An eventfd that tells of the first open of the file, or -1.
 * @before: How many opens of it come before that one.
 * @go: An eventfd: once it is set, that read, or that open, is answered.
 * @own: A file that it opens and reads for each open and read, or NULL.
 */
struct server {
	int dev;
	int image;
	int owner;
	int opens;
	int open_error;
	int reading;
	int opening;
	int before;
	int go;
	const char *own;
};

static inline void fill_attr(struct server *server, __u64 id,
			     struct fuse_attr *attr)
{
	struct stat st;

	fstat(server->image, &st);
	*attr = (struct fuse_attr){
		.ino = id,
		.nlink = 1,
		.mode = id == ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644,
		.size = id == ROOT_ID ? 0 : st.st_size,
		.blksize = 4096,
	};
}

static inline bool can_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char byte;
	bool can = fd >= 0 && read(fd, &byte, 1) == 1;

	close(fd);
	return can;
}

/* Writes the reply into @out; returns its length or -errno. */
static inline int fuse_reply(struct server *server,
			     const struct fuse_in_header *in, void *out)
{
	const struct fuse_read_in *rd = (const void *)(in + 1);
	struct fuse_entry_out *entry = out;
	struct fuse_attr_out *attr = out;
	struct fuse_init_out *init = out;
	eventfd_t val;

	memset(out, 0, 256);
	switch (in->opcode) {
	case FUSE_INIT:
		init->major = FUSE_KERNEL_VERSION;
		init->minor = FUSE_KERNEL_MINOR_VERSION;
		init->max_write = 4096;
		return sizeof(*init);
	case FUSE_LOOKUP:
		if (strcmp((const char *)(in + 1), "file"))
			return -ENOENT;
		entry->nodeid = FILE_ID;
		entry->entry_valid = 3600;
		entry->attr_valid = 3600;
		fill_attr(server, FILE_ID, &entry->attr);
		return sizeof(*entry);
	case FUSE_GETATTR:
		attr->attr_valid = 3600;
		fill_attr(server, in->nodeid, &attr->attr);
		return sizeof(*attr);
	case FUSE_OPEN:
		if (server->opening >= 0 && !server->before--) {
			eventfd_write(server->opening, 1);
			server->opening = -1;
			eventfd_read(server->go, &val);
		}
		if (server->open_error && !server->opens--)
			return -server->open_error;
		if (server->own && !can_read(server->own))
			return -EIO;
		return sizeof(struct fuse_open_out);
	case FUSE_READ:
		if (server->reading >= 0) {
			eventfd_write(server->reading, 1);
			server->reading = -1;
			eventfd_read(server->go, &val);
		}
		if (server->own && !can_read(server->own))
			return -EIO;
		return pread(server->image, out, rd->size, rd->offset);
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

/* Serves until the file system is unmounted. */
static inline void serve(struct server *server)
{
	static char request[1 << 16], reply[1 << 20];
	struct fuse_in_header *in = (void *)request;
	struct fuse_out_header *out = (void *)reply;
	int ret;

	for (;;) {
		if (read(server->dev, request, sizeof(request)) < 0) {
			if (errno == EINTR || errno == ENOENT)
				continue;
			_exit(errno == ENODEV ? 0 : 1);
		}
		/* These have no answer. */
		if (in->opcode == FUSE_FORGET ||
		    in->opcode == FUSE_BATCH_FORGET ||
		    in->opcode == FUSE_INTERRUPT)
			continue;
		ret = fuse_reply(server, in, out + 1);
		out->unique = in->unique;
		out->error = ret < 0 ? ret : 0;
		out->len = sizeof(*out) + (ret < 0 ? 0 : ret);
		/* It may be gone, by a signal. */
		if (write(server->dev, reply, out->len) < 0 && errno != ENOENT)
			_exit(2);
	}
}

/* Mounts it and starts the server: its process, or -errno. */
static inline pid_t start_server(struct server *server)
{
	pid_t child, parent = getpid();
	char opts[128];

	server->dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (server->dev < 0)
		return -errno;
	sprintf(opts, "fd=%d,rootmode=40000,user_id=%d,group_id=%d",
		server->dev, server->owner, server->owner);
	if (mkdir(MNT, 0755) ||
	    mount("fanotify_test", MNT, "fuse", MS_NOSUID | MS_NODEV, opts))
		return -errno;
	child = fork();
	if (!child) {
		/* A test that fails must not leave anything that hangs. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			serve(server);
		_exit(3);
	}
	/* If the server dies, the file system must not wait for it. */
	close(server->dev);
	return child;
}

#endif /* FANOTIFY_TEST_FUSE_H */
