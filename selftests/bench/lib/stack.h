/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A TCP listener in a network namespace of its own, where every SYN is answered with a cookie. */
#ifndef MTLB_BENCH_STACK_H
#define MTLB_BENCH_STACK_H

#include <stdint.h>

struct stack {
	int home, there; /* namespaces */
	int listener;
};

/* Listens on that port of any address. 0 or -errno, then nothing is left behind. */
int stack_open(struct stack *stack, uint16_t port);
/* The calling thread's programs run there until it leaves. 0 or -errno. */
int stack_enter(const struct stack *stack);
int stack_leave(const struct stack *stack);
void stack_close(struct stack *stack);

#endif
