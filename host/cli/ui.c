// SPDX-License-Identifier: MIT
#include "host/cli/ui.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/cli/json.h"
#include "host/lib/clock.h"

enum {
  REDRAW_MS = 100,
  JSON_MS = 200,  // between two events of one board's progress
  LINE_ROOM = 256,
  BAR_WIDTH = 24,
  MAP_WIDTH = 64,
  NAME_WIDTH = 24,
};

struct line {
  const char *name;
  char text[LINE_ROOM];
  struct job_progress last;
  uint64_t phase_ms, phase_done;  // when the phase began, and with how much done
  uint64_t start_ms, told_ms;
};

struct ui {
  pthread_mutex_t mutex;
  enum ui_look look;
  size_t count, drawn;  // drawn: lines on the screen that are ours
  bool map;
  const struct plan *plan;  // of the map
  uint64_t drawn_ms;
  struct line lines[];
};

// ---- Map -------------------------------------------------------------------

static const char map_marks[UNIT_STATES + 1] = ".=-#*";

static size_t row_end(const struct plan *p, size_t first) {
  size_t i = first + 1;
  while (i < p->count && i - first < MAP_WIDTH &&
         p->units[i].alternate == p->units[first].alternate) {
    i++;
  }
  return i;
}

static size_t print_map_rows(FILE *out, const struct plan *p) {
  size_t rows = 0;
  for (size_t first = 0; first < p->count; rows++) {
    const size_t end = row_end(p, first);
    fprintf(out, "  0x%08" PRIX32 " ", p->units[first].sector.address);
    for (size_t i = first; i < end; i++) {
      fputc(map_marks[p->units[i].state], out);
    }
    fputs(isatty(fileno(out)) ? "\033[K\n" : "\n", out);
    first = end;
  }
  return rows;
}

void ui_print_map(FILE *out, const struct plan *p) {
  print_map_rows(out, p);
  fputs("  sectors: . waiting  = unchanged  - erased  # written  * verified\n", out);
}

// ---- Terminal --------------------------------------------------------------

static const char *const phase_words[JOB_PHASES] = {
    [JOB_COMPARING] = "comparing", [JOB_ERASING] = "erasing",
    [JOB_WRITING] = "writing",     [JOB_FINISHING] = "finishing",
    [JOB_VERIFYING] = "verifying", [JOB_READING] = "reading",
    [JOB_SENDING] = "sending",
};

static unsigned percent_of(const struct job_progress *p) {
  return p->total ? (unsigned)(p->done * 100 / p->total) : 0;
}

// Whole seconds that the work will still take at the rate so far; -1: not known yet.
static long seconds_left(const struct line *l, uint64_t now) {
  enum { SETTLE_MS = 500 };
  const uint64_t elapsed = now - l->start_ms;
  if (elapsed < SETTLE_MS || l->last.done == 0) return -1;
  return (long)((l->last.total - l->last.done) * elapsed / l->last.done / 1000);
}

static void format_rate(const struct line *l, uint64_t now, char *out, size_t room) {
  const uint64_t elapsed = now - l->phase_ms;
  const uint64_t bytes = l->last.done - l->phase_done;
  out[0] = '\0';
  if (elapsed > 0 && l->last.done > l->phase_done) {
    snprintf(out, room, "%6" PRIu64 " KB/s", bytes / elapsed);
  }
}

static void format_line(struct line *l, uint64_t now) {
  char bar[BAR_WIDTH + 1];
  char rate[32];
  char left[32] = "";
  const unsigned percent = percent_of(&l->last);
  const unsigned full = percent * BAR_WIDTH / 100;
  memset(bar, '.', BAR_WIDTH);
  memset(bar, '#', full < BAR_WIDTH ? full : BAR_WIDTH);
  bar[BAR_WIDTH] = '\0';
  format_rate(l, now, rate, sizeof rate);
  const long seconds = seconds_left(l, now);
  if (seconds >= 0)
    snprintf(left, sizeof left, "%ld:%02ld left", seconds / 60, seconds % 60);
  snprintf(l->text, sizeof l->text, "%-*.*s [%s] %3u %%  %-9s 0x%08" PRIX32 " %-12s %s",
           NAME_WIDTH, NAME_WIDTH, l->name, bar, percent, phase_words[l->last.phase],
           l->last.address, rate, left);
}

// Cursor up over what is ours, then every line anew.
static void redraw(struct ui *ui) {
  if (ui->drawn > 0) fprintf(stderr, "\033[%zuA", ui->drawn);
  for (size_t i = 0; i < ui->count; i++) {
    fprintf(stderr, "\r%s\033[K\n", ui->lines[i].text);
  }
  ui->drawn = ui->count;
  if (ui->map && ui->plan) ui->drawn += print_map_rows(stderr, ui->plan);
  fputs("\033[J", stderr);  // a map that was there before
  fflush(stderr);
  ui->drawn_ms = clock_now_ms();
}

// ---- JSON ------------------------------------------------------------------

static void put_json(const struct ui *ui, size_t board, json_t *event) {
  json_object_set_new(event, "board", cli_json_text(ui->lines[board].name));
  cli_put_json(event);
}

static void put_progress(struct ui *ui, size_t board) {
  struct line *l = &ui->lines[board];
  put_json(ui, board,
           json_pack("{s:s, s:s, s:I, s:I, s:I, s:i}", "event", "progress", "phase",
                     phase_words[l->last.phase], "address", (json_int_t)l->last.address,
                     "done", (json_int_t)l->last.done, "total",
                     (json_int_t)l->last.total, "percent", (int)percent_of(&l->last)));
  l->told_ms = clock_now_ms();
}

// ---- Events ----------------------------------------------------------------

enum ui_look ui_look_for(const struct cli_options *o) {
  if (o->json) return UI_JSON;
  return !o->quiet && isatty(STDERR_FILENO) ? UI_TERMINAL : UI_SILENT;
}

struct ui *ui_open(enum ui_look look, size_t boards, const char *const *names,
                   bool map) {
  struct ui *ui = calloc(1, sizeof *ui + boards * sizeof ui->lines[0]);
  if (!ui) return NULL;
  pthread_mutex_init(&ui->mutex, NULL);
  ui->look = look;
  ui->count = boards;
  ui->map = map && boards == 1;
  for (size_t i = 0; i < boards; i++) {
    ui->lines[i].name = names[i];
    ui->lines[i].start_ms = ui->lines[i].phase_ms = clock_now_ms();
    snprintf(ui->lines[i].text, LINE_ROOM, "%s", names[i]);
  }
  return ui;
}

static void take_progress(struct line *l, const struct job_progress *progress,
                          uint64_t now) {
  if (progress->phase != l->last.phase || progress->done < l->last.done) {
    l->phase_ms = now;
    l->phase_done = progress->done;
  }
  l->last = *progress;
}

void ui_progress(struct ui *ui, size_t board, const struct job_progress *progress) {
  if (ui->look == UI_SILENT) return;
  pthread_mutex_lock(&ui->mutex);
  struct line *l = &ui->lines[board];
  const uint64_t now = clock_now_ms();
  const bool new_phase = l->told_ms == 0 || l->last.phase != progress->phase;
  take_progress(l, progress, now);
  if (ui->look == UI_JSON) {
    if (new_phase || now - l->told_ms >= JSON_MS) put_progress(ui, board);
  } else {
    format_line(l, now);
    if (now - ui->drawn_ms >= REDRAW_MS) redraw(ui);
  }
  pthread_mutex_unlock(&ui->mutex);
}

static const char *const state_words[UNIT_STATES] = {
    [UNIT_WAITING] = "waiting",   [UNIT_UNCHANGED] = "unchanged",
    [UNIT_ERASED] = "erased",     [UNIT_WRITTEN] = "written",
    [UNIT_VERIFIED] = "verified",
};

void ui_unit(struct ui *ui, size_t board, const struct plan *plan, size_t index) {
  if (ui->look == UI_SILENT) return;
  pthread_mutex_lock(&ui->mutex);
  const struct unit *u = &plan->units[index];
  ui->plan = plan;
  if (ui->look == UI_JSON) {
    put_json(ui, board,
             json_pack("{s:s, s:I, s:I, s:s}", "event", "sector", "address",
                       (json_int_t)u->sector.address, "size",
                       (json_int_t)u->sector.size, "state", state_words[u->state]));
  }
  pthread_mutex_unlock(&ui->mutex);
}

void ui_event(struct ui *ui, size_t board, const char *event, const char *sentence) {
  pthread_mutex_lock(&ui->mutex);
  if (ui->look == UI_JSON) {
    json_t *e = json_pack("{s:s}", "event", event);
    if (sentence) json_object_set_new(e, "sentence", cli_json_text(sentence));
    put_json(ui, board, e);
  } else if (sentence) {
    if (ui->look == UI_TERMINAL) {
      snprintf(ui->lines[board].text, LINE_ROOM, "%-*.*s %.200s", NAME_WIDTH,
               NAME_WIDTH, ui->lines[board].name, sentence);
      redraw(ui);
    } else {
      fprintf(stderr, "%s: %s\n", ui->lines[board].name, sentence);
    }
  }
  pthread_mutex_unlock(&ui->mutex);
}

void ui_result(struct ui *ui, size_t board, const char *line) {
  pthread_mutex_lock(&ui->mutex);
  struct line *l = &ui->lines[board];
  ui->plan = NULL;  // it ends with the work
  snprintf(l->text, LINE_ROOM, "%-*.*s %.220s", NAME_WIDTH, NAME_WIDTH, l->name, line);
  if (ui->look == UI_TERMINAL) redraw(ui);
  pthread_mutex_unlock(&ui->mutex);
}

void ui_close(struct ui *ui) {
  if (ui->look == UI_TERMINAL) redraw(ui);
  pthread_mutex_destroy(&ui->mutex);
  free(ui);
}
