/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Texts to configuration, without a file system: texts go in one by one, then everything is checked
 * at once. config.c feeds it files, tests and the fuzzer feed it bytes.
 */
#ifndef MTLB_MODEL_LOAD_H
#define MTLB_MODEL_LOAD_H

#include "tree.h"

/* A file that the configuration names. */
struct load_secret {
	const char *path; /* as written, NULL: none; lives as long as the load */
	struct place place;
};

struct load {
	struct tree tree;
	struct errors errors;
	struct errors notes;	   /* what is left out, and why: no error */
	struct load_secret tokens; /* set by load_check(): api.tokensFile, left to the caller */
	bool incomplete;	   /* something could not be read: nothing may be called missing */
	/* called once when each document has been checked by itself, before any is changed */
	int (*checked)(struct load *load, void *context);
	void *context;
};

/* Start from a zeroed struct load. load_api_text: its documents are kept by the API
 * (documents.h). 0 or -ENOMEM; errors in the text are collected.
 */
int load_text(struct load *load, const char *file, const char *text, size_t length);
int load_api_text(struct load *load, const char *file, const char *text, size_t length);

/*
 * Checks all that was read and fills *ret_config (which is to be freed with config_fini() whatever
 * comes back, and is of use only if load->errors is empty). path names the configuration as a
 * whole. The hash secret is left to the caller. 0 or -ENOMEM.
 */
int load_check(struct load *load, const char *path, struct config *ret_config,
	       struct load_secret *ret_secret);

/* The files of the hash secret and of tokens, as the Platform document names them. */
struct load_secret load_secret_of(const struct tree_node *platform);
struct load_secret load_tokens_of(const struct tree_node *platform);

void load_fini(struct load *load);

#endif
