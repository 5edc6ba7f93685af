/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One command of a sudo command group, as text: pure, nothing is looked up. */

#include "base/base.h"

/* "/usr/bin/foo": exactly without arguments.  "/usr/bin/foo a b": exactly with these, which is what
 * sudo compares: it joins what was typed by spaces first.  A * in arguments is anything, spaces
 * too. What is wrong with it, or NULL; *ret_relative where its path is. */
const char *sudo_command_fault(const char *command, bool *ret_relative);
/* Why it amounts to more than itself, or NULL: of one without a fault. */
const char *sudo_command_broad(const char *command);
/* The same of a program alone, by the last part of its path. */
const char *sudo_program_broad(const char *path);
/* How many bytes of it are its path; what follows is a space and arguments, or nothing. */
size_t sudo_command_path(const char *command);
/* As sudoers(5) writes it; of one without a fault. */
void sudo_command_render(const char *command, Text *text);
