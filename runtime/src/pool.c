/* pool.c: the runtime's own fork-join pool. Jobs of concurrent callers share its threads. A job
 * lives on its caller's stack and in the pool's list while it has indices that nobody took; taking
 * one needs the mutex. A caller works on its own job first and then waits, so a job is done
 * whatever the pool's threads do, and with none of them at all. */
#if defined(__linux__)
#define _GNU_SOURCE
#include <sched.h>
#endif
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "internal.h"

typedef struct job {
  void (*task)(void* data, size_t index);
  void* data;
  size_t count;
  _Atomic size_t next; /* next index to take; changes under the mutex */
  struct job* link;
  _Atomic size_t pending; /* indices not finished; the last access to a job is its decrement */
} job;

static struct {
  pthread_mutex_t mutex;
  pthread_cond_t work; /* a job was added, or the pool stops */
  pthread_cond_t done; /* some job finished */
  job* first;          /* oldest job with indices to take */
  uint32_t thread_count;
  uint32_t sleeping; /* threads waiting for `work` */
  int stopping;
  int creation_failed;    /* the system gave no more threads; not asked again on every call */
  _Atomic uint32_t epoch; /* changes with every job, for threads that spin */
  _Atomic uint32_t waiting_callers; /* callers waiting for `done` */
  pthread_t threads[CONVC_MAX_THREADS];
} pool = {.mutex = PTHREAD_MUTEX_INITIALIZER,
          .work = PTHREAD_COND_INITIALIZER,
          .done = PTHREAD_COND_INITIALIZER};

/* ---- spinning ---- */

/* Some three times the price of a wake-up; loops of one network follow each other closer. */
#define SPIN_NANOSECONDS 50000

static int64_t now_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Spins until done(data) or time is up. Yields in between: on a busy machine the thread that is
 * waited for may need this CPU. */
static void spin(int (*done)(const void* data), const void* data) {
  const int64_t deadline = now_nanoseconds() + SPIN_NANOSECONDS;
  do {
    for (int i = 0; i < 64; ++i) {
      if (done(data)) return;
      pause_briefly();
    }
    sched_yield();
  } while (now_nanoseconds() < deadline);
}

/* ---- jobs ---- */

/* Under the mutex. Takes an index of `j`, which has one left. */
static size_t take_index(job* j) {
  const size_t index = atomic_fetch_add_explicit(&j->next, 1, memory_order_relaxed);
  if (index + 1 == j->count) {
    job** place = &pool.first;
    while (*place != j) place = &(*place)->link;
    *place = j->link;
  }
  return index;
}

/* For the caller of `j`, who mostly finds that the pool's threads took the rest. */
static int take_own_index(job* j, size_t* index) {
  if (atomic_load_explicit(&j->next, memory_order_relaxed) >= j->count) return 0;
  pthread_mutex_lock(&pool.mutex);
  const int has_index = atomic_load_explicit(&j->next, memory_order_relaxed) < j->count;
  if (has_index) *index = take_index(j);
  pthread_mutex_unlock(&pool.mutex);
  return has_index;
}

static void finish_index(job* j) {
  if (atomic_fetch_sub(&j->pending, 1) != 1) return;
  /* The caller may have left and taken the job with it: from here on only the pool is touched. The
   * caller raises waiting_callers before it looks at `pending`, so one of the two sees the other.
   */
  if (atomic_load(&pool.waiting_callers) == 0) return;
  pthread_mutex_lock(&pool.mutex);
  pthread_cond_broadcast(&pool.done);
  pthread_mutex_unlock(&pool.mutex);
}

static int job_is_done(const void* data) {
  return atomic_load(&((job*)(uintptr_t)data)->pending) == 0;
}

static void wait_until_done(job* j) {
  spin(job_is_done, j);
  if (job_is_done(j)) return;
  pthread_mutex_lock(&pool.mutex);
  atomic_fetch_add(&pool.waiting_callers, 1);
  while (!job_is_done(j)) pthread_cond_wait(&pool.done, &pool.mutex);
  atomic_fetch_sub(&pool.waiting_callers, 1);
  pthread_mutex_unlock(&pool.mutex);
}

/* ---- threads ---- */

static int epoch_is_past(const void* data) {
  return atomic_load_explicit(&pool.epoch, memory_order_relaxed) != *(const uint32_t*)data;
}

/* Under the mutex. Waits for work; 0 when the pool stops. */
static int wait_for_work(void) {
  int has_spun = 0;
  while (pool.first == NULL && !pool.stopping) {
    if (!has_spun) {
      const uint32_t epoch = atomic_load_explicit(&pool.epoch, memory_order_relaxed);
      pthread_mutex_unlock(&pool.mutex);
      spin(epoch_is_past, &epoch);
      pthread_mutex_lock(&pool.mutex);
      has_spun = 1;
    } else {
      ++pool.sleeping;
      pthread_cond_wait(&pool.work, &pool.mutex);
      --pool.sleeping;
    }
  }
  return pool.first != NULL;
}

static void* thread_main(void* unused) {
  (void)unused;
  pthread_mutex_lock(&pool.mutex);
  while (wait_for_work()) {
    job* j = pool.first;
    const size_t index = take_index(j);
    pthread_mutex_unlock(&pool.mutex);
    j->task(j->data, index);
    finish_index(j);
    pthread_mutex_lock(&pool.mutex);
  }
  pthread_mutex_unlock(&pool.mutex);
  return NULL;
}

/* Signals that concern the process go to the program's threads; those that report a fault of the
 * thread itself, and the profiler's, must come through. */
static void block_signals(sigset_t* before) {
  static const int kept[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF};
  sigset_t blocked;
  sigfillset(&blocked);
  for (size_t i = 0; i < sizeof kept / sizeof kept[0]; ++i) sigdelset(&blocked, kept[i]);
  pthread_sigmask(SIG_SETMASK, &blocked, before);
}

/* Under the mutex. Brings the pool to `wanted` threads if the system lets it. */
static void start_threads(uint32_t wanted) {
  if (pool.thread_count >= wanted || pool.creation_failed) return;
  sigset_t before;
  block_signals(&before);
  while (pool.thread_count < wanted && !pool.creation_failed) {
    if (pthread_create(&pool.threads[pool.thread_count], NULL, thread_main, NULL) == 0) {
      ++pool.thread_count;
    } else {
      pool.creation_failed = 1;
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- fork ---- */

static void before_fork(void) {
  pthread_mutex_lock(&pool.mutex);
}

static void after_fork_in_parent(void) {
  pthread_mutex_unlock(&pool.mutex);
}

/* The child has none of the threads, and jobs of other callers are not its own. */
static void after_fork_in_child(void) {
  static const pthread_mutex_t fresh_mutex = PTHREAD_MUTEX_INITIALIZER;
  static const pthread_cond_t fresh_condition = PTHREAD_COND_INITIALIZER;
  pthread_mutex_unlock(&pool.mutex);
  memcpy(&pool.mutex, &fresh_mutex, sizeof fresh_mutex);
  memcpy(&pool.work, &fresh_condition, sizeof fresh_condition);
  memcpy(&pool.done, &fresh_condition, sizeof fresh_condition);
  pool.first = NULL;
  pool.thread_count = 0;
  pool.sleeping = 0;
  pool.stopping = 0;
  pool.creation_failed = 0;
  atomic_store(&pool.waiting_callers, 0);
}

static void register_fork_handlers(void) {
  (void)pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static void prepare_pool(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, register_fork_handlers);
}

/* ---- entry points ---- */

/* Under the mutex. Oldest first, so that no caller starves. */
static void append_job(job* j) {
  job** place = &pool.first;
  while (*place != NULL) place = &(*place)->link;
  *place = j;
}

void convc_impl_pool_run(void (*task)(void* data, size_t index), void* data, size_t count) {
  if (count <= 1) {
    if (count == 1) task(data, 0);
    return;
  }
  /* Index 0 is this thread's from the start; the job is in the list for the others. */
  job j = {.task = task, .data = data, .count = count, .next = 1, .pending = count};
  prepare_pool();
  pthread_mutex_lock(&pool.mutex);
  start_threads((uint32_t)(count - 1));
  append_job(&j);
  const uint32_t wake = pool.sleeping < count - 1 ? pool.sleeping : (uint32_t)(count - 1);
  pthread_mutex_unlock(&pool.mutex);
  /* After the mutex is free, else threads that spin run into it. */
  atomic_fetch_add_explicit(&pool.epoch, 1, memory_order_relaxed);
  for (uint32_t i = 0; i < wake; ++i) pthread_cond_signal(&pool.work);

  size_t index = 0;
  do {
    task(data, index);
    finish_index(&j);
  } while (take_own_index(&j, &index));
  wait_until_done(&j);
}

uint32_t convc_start_threads(uint32_t threads) {
  threads = threads != 0 ? convc_impl_clamp_threads(threads) : convc_get_threads();
  prepare_pool();
  pthread_mutex_lock(&pool.mutex);
  pool.creation_failed = 0;
  start_threads(threads - 1);
  const uint32_t usable = pool.thread_count + 1;
  pthread_mutex_unlock(&pool.mutex);
  return usable;
}

void convc_shutdown(void) {
  prepare_pool();
  pthread_mutex_lock(&pool.mutex);
  if (pool.thread_count == 0 || pool.stopping) {
    pthread_mutex_unlock(&pool.mutex);
    return;
  }
  pool.stopping = 1;
  const uint32_t count = pool.thread_count;
  pthread_mutex_unlock(&pool.mutex);
  atomic_fetch_add_explicit(&pool.epoch, 1, memory_order_relaxed);
  pthread_cond_broadcast(&pool.work);
  for (uint32_t i = 0; i < count; ++i) pthread_join(pool.threads[i], NULL);
  pthread_mutex_lock(&pool.mutex);
  pool.thread_count = 0;
  pool.stopping = 0;
  pool.creation_failed = 0;
  pthread_mutex_unlock(&pool.mutex);
}
