// SPDX-License-Identifier: MIT
#include "host/cli/fleet.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cli/interrupt.h"
#include "host/cli/json.h"

// ---- One board -------------------------------------------------------------

static bool must_stop(void *ctx) {
  (void)ctx;
  return interrupt_came();
}

static void on_progress(void *ctx, const struct job_progress *progress) {
  const struct fleet_member *m = ctx;
  ui_progress(m->ui, m->index, progress);
}

static void on_unit(void *ctx, const struct plan *plan, size_t index) {
  const struct fleet_member *m = ctx;
  ui_unit(m->ui, m->index, plan, index);
}

void fleet_take_outcome(struct fleet_member *m, enum job_outcome outcome,
                        const struct qb_error *problem) {
  m->problem = (struct qb_error){.text = ""};
  if (outcome != JOB_DONE) m->problem = *problem;
  switch (outcome) {
    case JOB_DONE: m->code = CLI_OK; break;
    case JOB_DIFFERENT: m->code = CLI_DIFFERENT; break;
    case JOB_STOPPED: m->code = CLI_INTERRUPTED; break;
    default: m->code = CLI_FAILED; break;
  }
}

static void tell_member(const struct fleet_member *m) {
  if (m->code == CLI_OK) {
    ui_result(m->ui, m->index, m->summary);
    ui_event(m->ui, m->index, "done", NULL);
    return;
  }
  char text[sizeof m->problem.text + sizeof m->state.text + 16];
  snprintf(text, sizeof text, "FAILED: %s", m->problem.text);
  ui_result(m->ui, m->index, text);
}

// What a thread does.
struct share {
  struct fleet_member member;
  const struct fleet_command *command;
  pthread_t thread;
  bool threaded;
};

static void *work(void *ctx) {
  struct share *s = ctx;
  struct fleet_member *m = &s->member;
  const struct boards_entry *e = m->entry;
  m->code = CLI_FAILED;
  m->connection.has_twin = e->has_twin;
  if (!e->described) {
    m->problem = e->problem;
  } else if (connection_open(&m->connection, e->bus, &e->board.where, &m->problem)) {
    m->connected = true;
    s->command->work(m);
    if (m->connected) connection_close(&m->connection);
  }
  tell_member(m);
  return NULL;
}

// ---- All -------------------------------------------------------------------

static void start(struct share *s) {
  s->threaded = pthread_create(&s->thread, NULL, work, s) == 0;
  if (!s->threaded) (void)work(s);  // one after the other, then
}

static void put_json_result(const struct fleet_member *m) {
  const bool ok = m->code == CLI_OK;
  json_t *e = json_pack("{s:s, s:o, s:b, s:i}", "event", "result", "board",
                        cli_json_text(m->name), "ok", ok, "code", m->code);
  if (ok && m->summary[0]) json_object_set_new(e, "summary", cli_json_text(m->summary));
  if (m->skipped) {
    json_object_set_new(e, "skipped", json_integer((json_int_t)m->skipped));
  }
  if (m->problem.text[0]) {
    json_object_set_new(e, "problem", cli_json_text(m->problem.text));
  }
  if (m->state.text[0]) json_object_set_new(e, "state", cli_json_text(m->state.text));
  cli_put_json(e);
}

static void tell_problem(const struct fleet_member *m, const char *command,
                         bool named) {
  fprintf(stderr, "%s: ", command);
  if (named) fprintf(stderr, "%s: ", m->name);
  fprintf(stderr, "%s\n", m->problem.text);
  if (m->state.text[0]) fprintf(stderr, "%s: %s\n", command, m->state.text);
}

static void tell_results(const struct share *shares, size_t count,
                         const struct fleet_command *command, bool json, size_t good) {
  for (size_t i = 0; i < count; i++) {
    const struct fleet_member *m = &shares[i].member;
    if (json) {
      put_json_result(m);
    } else if (m->code == CLI_OK && m->summary[0]) {
      printf("%s: %s\n", m->name, m->summary);
    }
    if (m->code != CLI_OK) tell_problem(m, command->name, count > 1);
    if (!json && m->picture) {
      if (count > 1) printf("%s:\n", m->name);
      fputs(m->picture, stdout);
    }
  }
  if (count > 1 && !json) {
    printf("%zu boards: %zu succeeded, %zu failed\n", count, good, count - good);
  }
}

static int exit_code(const struct share *shares, size_t count, size_t good) {
  if (good == count) return CLI_OK;  // a signal may have come too late
  if (interrupt_came()) return CLI_INTERRUPTED;
  return count == 1 ? shares[0].member.code : CLI_SOME_FAILED;
}

// Two boards with one serial number, or none: then where they are tells them apart.
static const char *name_of(const struct boards *list, size_t index) {
  const struct usb_board *b = &list->items[index].board;
  const char *name = usb_board_name(b);
  for (size_t i = 0; i < list->count; i++) {
    if (i != index && strcmp(usb_board_name(&list->items[i].board), name) == 0) {
      return b->where.location;
    }
  }
  return name;
}

static int fail_without_memory(const struct fleet_command *command) {
  struct qb_error error;
  qb_error_no_memory(&error);
  return cli_fail(command->name, &error);
}

static int run_shares(struct share *shares, const struct cli_boards *b,
                      const struct fleet_command *command,
                      const struct cli_options *o) {
  const size_t count = b->found.count;
  const char **names = calloc(count, sizeof *names);
  if (!names) return fail_without_memory(command);
  for (size_t i = 0; i < count; i++) {
    names[i] = name_of(&b->found, i);
  }
  struct ui *ui = ui_open(ui_look_for(o), count, names, command->map);
  if (!ui) {
    free(names);
    return fail_without_memory(command);
  }
  for (size_t i = 0; i < count; i++) {
    struct fleet_member *m = &shares[i].member;
    *m = (struct fleet_member){.entry = &b->found.items[i],
                               .name = names[i],
                               .index = i,
                               .ui = ui,
                               .arguments = command->arguments};
    m->events = (struct job_events){
        .ctx = m, .progress = on_progress, .unit = on_unit, .stop = must_stop};
    shares[i].command = command;
    start(&shares[i]);
  }
  size_t good = 0;
  for (size_t i = 0; i < count; i++) {
    if (shares[i].threaded) pthread_join(shares[i].thread, NULL);
    good += shares[i].member.code == CLI_OK;
  }
  ui_close(ui);
  tell_results(shares, count, command, o->json, good);
  for (size_t i = 0; i < count; i++) {
    free(shares[i].member.picture);
  }
  free(names);
  return exit_code(shares, count, good);
}

int fleet_run(const struct fleet_command *command, const struct cli_options *o) {
  struct cli_boards boards;
  struct qb_error error;
  int code = cli_select(&boards, o, &error);
  if (code != CLI_OK) {
    code = cli_fail_for(o, command->name, code, &error);
  } else {
    struct share *shares = calloc(boards.found.count, sizeof *shares);
    interrupt_catch();
    code =
        shares ? run_shares(shares, &boards, command, o) : fail_without_memory(command);
    free(shares);
  }
  cli_boards_free(&boards);
  return code == CLI_OK ? cli_finish_output(command->name) : code;
}
