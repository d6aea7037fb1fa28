// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What CERTIFICATES certificates of as many tenants cost: to read all of them, to look whether any
 * has changed, to change one; the memory that mtlbd and the workers have for them; and what a
 * worker pays for the first handshake with one, and for the next. They are made on the spot
 * (P-256), in files, and looked at by the agent's and the worker's own code.
 */
#include "measure.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "../../userspace/agent/l7/certificates.h"
#include "../../userspace/proxy/vault.h"

#define CERTIFICATES   10000
#define PARSED	       1024 /* that a worker keeps */
#define ROUNDS	       9
#define CHANGE_GOAL_MS 250

static char folder[] = "/tmp/mtlb-certificates-XXXXXX";

static void fail(const char *what)
{
	fprintf(stderr, "certificates: cannot %s\n", what);
	exit(1);
}

/* Of one key, so that making them takes no longer than reading them. */
static EVP_PKEY *key;

static void write_pair(unsigned number)
{
	char path[256], names[64];
	X509 *cert = X509_new();
	X509_EXTENSION *names_of;
	FILE *file;

	snprintf(path, sizeof(path), "%s/certificates/t%u", folder, number);
	if (mkdir(path, 0700) && errno != EEXIST)
		fail("make a folder");
	snprintf(names, sizeof(names), "DNS:t%u.example", number);
	names_of = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), (long)number + 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -86400);
	X509_gmtime_adj(X509_getm_notAfter(cert), 30 * 86400L);
	X509_set_pubkey(cert, key);
	X509_add_ext(cert, names_of, -1);
	if (!X509_sign(cert, key, EVP_sha256()))
		fail("sign");
	snprintf(path, sizeof(path), "%s/certificates/t%u/main.crt", folder, number);
	file = fopen(path, "w");
	if (!file || !PEM_write_X509(file, cert) || fclose(file))
		fail("write a certificate");
	snprintf(path, sizeof(path), "%s/certificates/t%u/main.key", folder, number);
	file = fopen(path, "w");
	if (!file || fchmod(fileno(file), 0600) ||
	    !PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) || fclose(file))
		fail("write a key");
	X509_EXTENSION_free(names_of);
	X509_free(cert);
}

static void write_config(void)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/platform.yaml", folder);
	file = fopen(path, "w");
	if (!file)
		fail("write a configuration");
	fprintf(file,
		"apiVersion: mtlb/v1\nkind: Platform\nmetadata: {name: bench}\n"
		"node: {interfaces: [{name: eth0}], capacity: {tenants: %d, flows: 64M}}\n"
		"vips: [{name: v, address: 192.0.2.1}]\n"
		"listeners: [{name: web, vips: [v], port: 443, protocol: HTTPS}]\ntenants:\n",
		2 * CERTIFICATES);
	for (unsigned i = 0; i < CERTIFICATES; i++)
		fprintf(file, "- {name: t%u, domains: [t%u.example]}\n", i, i);
	for (unsigned i = 0; i < CERTIFICATES; i++)
		fprintf(file,
			"---\napiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: t%u}\n"
			"pools: [{name: p, backends: [{address: \"10.0.0.1:80\"}]}]\n"
			"routes: [{name: r, listener: web, backendRefs: [{pool: p}]}]\n"
			"certificates: [{name: main, hostnames: [t%u.example], certFile: main.crt, "
			"keyFile: main.key}]\n",
			i, i);
	if (fclose(file))
		fail("write a configuration");
}

static long resident_kb(void)
{
	long pages = 0, all;
	FILE *file = fopen("/proc/self/statm", "r");

	if (!file || fscanf(file, "%ld %ld", &all, &pages) != 2)
		fail("read statm");
	fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static double set_s(struct certificates *certificates, const struct config *config, int *ret_store)
{
	double begin = measure_ns();
	struct err err = {};

	if (certificates_set(certificates, config, ret_store, &err))
		fail(err.text);
	return (measure_ns() - begin) / 1e9;
}

static double median(double *list, int count)
{
	qsort(list, (size_t)count, sizeof(*list), measure_compare);
	return list[count / 2];
}

/* Another certificate in the files of one tenant, as old as a change is when nobody waits for it.
 */
static bool change_one(struct certificates *certificates, const struct config *config)
{
	double looks[ROUNDS], changes[ROUNDS];
	int store;

	for (unsigned i = 0; i < ROUNDS; i++) {
		looks[i] = set_s(certificates, config, &store) * 1e3;
		if (store >= 0)
			fail("find all as it was");
		write_pair(i);
		changes[i] = set_s(certificates, config, &store) * 1e3;
		if (store < 0)
			fail("find the change");
		close(store);
	}
	measure_print("certificates.look", median(looks, ROUNDS), "ms", 0);
	return measure_print("certificates.change", median(changes, ROUNDS), "ms", CHANGE_GOAL_MS);
}

static void as_worker(const struct certificates *certificates, int store)
{
	const struct compile_digests digests = certificates_digests(certificates);
	struct parsed_list parsed = {.most = PARSED};
	struct vault *vault;
	struct err err = {};
	double begin = measure_ns();
	long before;

	if (vault_open(store, &vault, &err))
		fail(err.text);
	measure_print("certificates.worker.open", (measure_ns() - begin) / 1e6, "ms", 0);
	measure_print("certificates.store", (double)vault->size / 1e6, "MB", 0);
	before = resident_kb();
	begin = measure_ns();
	for (size_t i = 0; i < PARSED; i++)
		if (!parsed_find(&parsed, vault, digests.of(digests.context, i)->all))
			fail("parse what it was given");
	measure_print("certificates.worker.first", (measure_ns() - begin) / 1e3 / PARSED, "us", 0);
	begin = measure_ns();
	for (size_t i = 0; i < PARSED; i++)
		parsed_find(&parsed, vault, digests.of(digests.context, i)->all);
	measure_print("certificates.worker.next", (measure_ns() - begin) / PARSED, "ns", 0);
	measure_print("certificates.worker.each", (double)(resident_kb() - before) / PARSED, "KB",
		      0);
	parsed_fini(&parsed);
	vault_drop(vault);
}

static void remove_all(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (system(command))
		fprintf(stderr, "certificates: %s is left\n", folder);
}

int main(void)
{
	struct certificates *certificates;
	struct config_errors errors = {};
	struct config config;
	char path[256];
	int store, error;
	bool good;
	long before;

	measure_pin();
	key = EVP_EC_gen("P-256");
	if (!key || !mkdtemp(folder))
		fail("begin");
	atexit(remove_all);
	snprintf(path, sizeof(path), "%s/certificates", folder);
	if (mkdir(path, 0700))
		fail("make a folder");
	for (unsigned i = 0; i < CERTIFICATES; i++)
		write_pair(i);
	write_config();
	snprintf(path, sizeof(path), "%s/platform.yaml", folder);
	error = config_load(path, &config, &errors);
	if (error)
		fail(errors.count ? errors.list[0].text : strerror(-error));
	if (certificates_new(&certificates))
		fail("begin");
	/* files that are younger than this are looked at again in any case */
	sleep(3);
	before = resident_kb();
	measure_print("certificates.load", set_s(certificates, &config, &store), "s", 0);
	measure_print("certificates.agent", (double)(resident_kb() - before) / 1e3, "MB", 0);
	as_worker(certificates, store);
	close(store);
	good = change_one(certificates, &config);
	certificates_free(certificates);
	config_fini(&config);
	EVP_PKEY_free(key);
	return !good;
}
