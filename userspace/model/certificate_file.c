// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "certificate_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE_MAX_EACH (1 << 18)
#define UNSURE_S      2 /* a file may have changed once more without another time stamp */

struct reading {
	const struct wanted_certificate *wanted;
	struct errors *errors;
	int fds[CERTIFICATE_PARTS];
	struct certificate_file file;
};

static const struct wanted_file *file_of(const struct wanted_certificate *wanted,
					 enum certificate_part part)
{
	const struct wanted_file *const files[CERTIFICATE_PARTS] = {
		[CERTIFICATE_CHAIN] = &wanted->cert,
		[CERTIFICATE_KEY] = &wanted->key,
		[CERTIFICATE_CLIENT_CA] = &wanted->client_ca,
		[CERTIFICATE_OCSP] = &wanted->ocsp,
	};

	return files[part];
}

static struct place place_of(const struct wanted_file *file)
{
	return (struct place){file->file, file->line, file->column};
}

static struct certificate_stamp stamp_of(const struct stat *stat)
{
	return (struct certificate_stamp){
		.device = stat->st_dev,
		.inode = stat->st_ino,
		.size = stat->st_size,
		.modified = stat->st_mtim,
		.changed = stat->st_ctim,
	};
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static int refuse(const struct reading *reading, enum certificate_part part, const char *why)
{
	const struct wanted_file *file = file_of(reading->wanted, part);

	errors_add(reading->errors, place_of(file), "%s %s", file->path, why);
	return -EINVAL;
}

static int open_part(struct reading *reading, enum certificate_part part)
{
	const struct wanted_file *file = file_of(reading->wanted, part);
	struct stat stat;
	int fd;

	if (!file->path)
		return 0;
	/* Without O_NONBLOCK the open of a FIFO would wait for a writer. */
	fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	reading->fds[part] = fd;
	if (fd < 0 || fstat(fd, &stat)) {
		errors_add(reading->errors, place_of(file), "%s cannot be read: %s", file->path,
			   strerror(errno));
		return -EINVAL;
	}
	if (!S_ISREG(stat.st_mode))
		return refuse(reading, part, "is not a regular file");
	if (stat.st_size > SIZE_MAX_EACH)
		return refuse(reading, part, "is too large: at most 256 KB");
	if (part == CERTIFICATE_KEY && stat.st_mode & S_IRWXO) {
		errors_add(reading->errors, place_of(file),
			   "every user of this machine can open the key %s; run: chmod 600 %s",
			   file->path, file->path);
		return -EINVAL;
	}
	reading->file.stamps[part] = stamp_of(&stat);
	reading->file.stamps[part].unsure = time(NULL) - stat.st_ctim.tv_sec < UNSURE_S;
	reading->file.size += (size_t)stat.st_size;
	return 0;
}

static int map(struct certificate_file *file)
{
	file->size += !file->size;
	file->base =
		mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (file->base == MAP_FAILED) {
		file->base = NULL;
		return -ENOMEM;
	}
	madvise(file->base, file->size, MADV_DONTDUMP);
	return 0;
}

static int read_parts(struct reading *reading)
{
	char *at = reading->file.base;

	for (unsigned part = 0; part < CERTIFICATE_PARTS; part++) {
		size_t size = (size_t)reading->file.stamps[part].size, length = 0;
		ssize_t n = 1;

		if (reading->fds[part] < 0)
			continue;
		while (length < size && n > 0) {
			n = read(reading->fds[part], at + length, size - length);
			length += n > 0 ? (size_t)n : 0;
		}
		if (n < 0)
			return refuse(reading, part, "cannot be read");
		reading->file.parts[part] = (struct certificate_bytes){at, length};
		at += size;
	}
	return 0;
}

static int digest(struct certificate_file *file)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL);

	for (unsigned part = 0; good && part < CERTIFICATE_PARTS; part++) {
		uint64_t length = file->parts[part].length;

		good = EVP_DigestUpdate(context, &length, sizeof(length)) &&
		       EVP_DigestUpdate(context, file->parts[part].at, length);
	}
	good = good && EVP_DigestFinal_ex(context, file->digest.all, NULL);
	EVP_MD_CTX_free(context);
	good = good && EVP_Digest(file->parts[CERTIFICATE_CLIENT_CA].at,
				  file->parts[CERTIFICATE_CLIENT_CA].length, file->digest.client_ca,
				  NULL, EVP_sha256(), NULL);
	return good ? 0 : -ENOMEM;
}

/* What the certificate itself says. */
static int look_at(struct reading *reading, struct errors *notes)
{
	const struct wanted_certificate *wanted = reading->wanted;
	enum certificate_part wrong;
	struct certificate certificate;
	struct err err = {};
	int error = certificate_parse(reading->file.parts, &certificate, &wrong, &err), age;

	if (error == -EINVAL)
		return refuse(reading, wrong, err.text);
	if (error)
		return error;
	for (size_t i = 0; i < wanted->hostname_count; i++) {
		if (certificate_covers(&certificate, wanted->hostnames[i]))
			continue;
		errors_add(
			reading->errors, place_of(&wanted->cert),
			"the certificate in %s is not for \"%s\"; take that out of hostnames, or "
			"get one that has it among its subjectAltNames",
			wanted->cert.path, wanted->hostnames[i]);
		error = -EINVAL;
	}
	age = certificate.leaf ? certificate_age(&certificate, time(NULL)) : 0;
	if (age && notes)
		errors_add(notes, place_of(&wanted->cert), "the certificate in %s %s; renew it",
			   wanted->cert.path, age < 0 ? "is not valid yet" : "has expired");
	if (certificate.ocsp && certificate.ocsp_until <= time(NULL) && notes)
		errors_add(notes, place_of(&wanted->ocsp),
			   "%s is out of date, and not shown; get another one of the issuer",
			   wanted->ocsp.path);
	certificate_fini(&certificate);
	return error;
}

int certificate_file_read(const struct wanted_certificate *wanted, struct errors *errors,
			  struct errors *notes, struct certificate_file *ret_file)
{
	struct reading reading = {.wanted = wanted, .errors = errors, .fds = {-1, -1, -1, -1}};
	int error = 0;

	if (!wanted->cert.path != !wanted->key.path || (!wanted->cert.path && !wanted->of_pool))
		return -EINVAL; /* reported where they are to be written */
	for (unsigned part = 0; part < CERTIFICATE_PARTS; part++) {
		int failed = open_part(&reading, part);

		error = error ?: failed;
	}
	error = error ?: map(&reading.file);
	error = error ?: read_parts(&reading);
	error = error ?: digest(&reading.file);
	error = error ?: look_at(&reading, notes);
	for (unsigned part = 0; part < CERTIFICATE_PARTS; part++)
		if (reading.fds[part] >= 0)
			close(reading.fds[part]);
	if (error)
		certificate_file_fini(&reading.file);
	else
		*ret_file = reading.file;
	return error;
}

void certificate_file_fini(struct certificate_file *file)
{
	if (file->base) {
		explicit_bzero(file->base, file->size);
		munmap(file->base, file->size);
	}
	*file = (struct certificate_file){};
}

bool certificate_file_is_same(const struct certificate_file *file,
			      const struct wanted_certificate *wanted)
{
	for (unsigned part = 0; part < CERTIFICATE_PARTS; part++) {
		const struct certificate_stamp *old = &file->stamps[part];
		struct certificate_stamp new;
		struct stat now;

		/* one that came, or went */
		if (!file_of(wanted, part)->path != !file->parts[part].at)
			return false;
		if (!file->parts[part].at)
			continue;
		if (old->unsure || stat(file_of(wanted, part)->path, &now))
			return false;
		new = stamp_of(&now);
		if (old->device != new.device || old->inode != new.inode || old->size != new.size ||
		    !same_time(old->modified, new.modified) ||
		    !same_time(old->changed, new.changed))
			return false;
	}
	return true;
}

int certificate_file_check_all(const struct config *config, const char *path,
			       struct config_errors *ret_errors)
{
	struct errors errors = {};
	int error = 0;

	for (size_t i = 0; i < config->state.tenant_count && error != -ENOMEM; i++) {
		const struct wanted *wanted = config->state.tenants[i].l7;

		for (size_t j = 0; wanted && j < wanted_secrets(wanted) && error != -ENOMEM; j++) {
			struct certificate_file file = {};

			error = certificate_file_read(wanted_secret(wanted, j), &errors, &errors,
						      &file);
			certificate_file_fini(&file);
		}
	}
	return error == -ENOMEM ? error : errors_finish(&errors, path, ret_errors);
}
