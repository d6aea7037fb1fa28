/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The surgery of edit.c: what a body makes of the documents that the API keeps, and what of them is
 * shown. Knows no files and no conditions.
 */
#ifndef MTLB_MODEL_EDIT_TREE_H
#define MTLB_MODEL_EDIT_TREE_H

#include "edit.h"
#include "load.h"

/* The documents of the API that an object is in, as far as there are any. */
struct edit_trees {
	struct load *load;
	const struct edit_object *object;
	const char *file; /* of new ones */
	struct tree_node *part, *item, *config;
};

/* The request's body as a map, with places of the file "body". 0, -EINVAL or -ENOMEM. */
int edit_tree_body(struct load *load, const char *text, size_t length, struct tree_node **ret);

/* Each 0, -EINVAL (the load has the error), -ENOENT or -ENOMEM. */
int edit_tree_put(struct edit_trees *trees, struct tree_node *body);
int edit_tree_remove(struct edit_trees *trees);
/* item, config: of the files, NULL: none. */
int edit_tree_adopt(struct edit_trees *trees, const struct tree_node *item,
		    const struct tree_node *config);

/* A document that is no longer wanted; NULL: nothing to do. */
void edit_tree_drop(struct load *load, struct tree_node *document);

/* The object as it is shown, of an item and a TenantConfig (either may be NULL); schema_check()
 * has seen it. part: where item is, if the VIPs there are shown with it. NULL: there is no such
 * thing.
 */
struct tree_node *edit_tree_view(struct load *load, const struct edit_object *object,
				 struct tree_node *part, struct tree_node *item,
				 struct tree_node *config);

/* All documents of a file; NULL: there are none. 0 or -ENOMEM. */
int edit_tree_text(const struct load *load, const char *file, char **ret_text);

#endif
