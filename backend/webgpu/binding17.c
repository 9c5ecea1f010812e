//go:build cgo && !wgpu29

#include "binding17.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef _WIN32
#include <setjmp.h>
#include <signal.h>
#endif

// Part of wgpu-native 0.17's C interface, as its webgpu.h has it.
typedef struct {
	uint32_t textures[4], groups[2], dynamic[2], perStage[5];
	uint64_t maxUniform, maxStorage;
	uint32_t align[2], vertexBuffers;
	uint64_t maxBuffer;
	uint32_t vertex[2], between[2], color[2], shared, threads, size[3], perDimension;
} Limits;
typedef struct {
	const void *next;
	Limits limits;
} ChainedLimits;
typedef void (*LostCallback)(int reason, const char *message, void *userdata);
typedef struct {
	const void *next;
	const char *label;
	size_t featureCount;
	const void *features;
	const ChainedLimits *limits;
	struct {
		const void *next;
		const char *label;
	} queue;
	LostCallback lost;
	void *lostUserdata;
} DeviceDescriptor;
bool wgpuAdapterGetLimits(void *adapter, ChainedLimits *limits);
void wgpuAdapterRequestDevice(void *adapter, const DeviceDescriptor *d, void (*cb)(int, void *, const char *, void *), void *userdata);
void wgpuDeviceSetUncapturedErrorCallback(void *device, void (*cb)(int, const char *, void *), void *userdata);
bool wgpuDeviceGetLimits(void *device, ChainedLimits *limits);
bool wgpuDevicePoll(void *device, bool wait, const void *index);
void wgpuComputePassEncoderEnd(void *pass);
uint64_t wgpuQueueSubmitForIndex(void *queue, size_t count, void *const *commands);
void wgpuQueueOnSubmittedWorkDone(void *queue, void (*cb)(int, void *), void *userdata);
void wgpuBufferMapAsync(void *buffer, uint32_t mode, size_t offset, size_t size, void (*cb)(int, void *), void *userdata);

static void on_lost(int reason, const char *message, void *p) {
	lt_state *s = p;
	(void)reason;
	s->lost = 1;
	snprintf(s->reason, sizeof s->reason, "%s", message ? message : "no reason given");
}

static void on_error(int type, const char *message, void *p) {
	lt_state *s = p;
	if (s->error == 0 && type != 0) {
		s->error = type;
		snprintf(s->message, sizeof s->message, "%s", message ? message : "");
	}
}

static void on_device(int status, void *device, const char *message, void *p) {
	(void)message;
	*(void **)p = status == 0 ? device : NULL;
}

static void on_done(int status, void *p) {
	(void)status;
	((lt_state *)p)->done++;
}

static void on_map(int status, void *p) {
	((lt_map *)p)->state = status == 0 ? 2 : 3;
}

// lt_open requests a device with all that the adapter has; without limits asked for, WebGPU gives its portable defaults. A limit of all ones
// counts as not asked for, and NVIDIA's driver on Linux and every driver on Windows have no limit of a buffer: cap stands for it. got is
// what the device has in the end.
void *lt_open(void *adapter, lt_state *s, uint64_t cap, lt_most *got) {
	ChainedLimits have;
	memset(&have, 0, sizeof have);
	if (!wgpuAdapterGetLimits(adapter, &have)) {
		return NULL;
	}
	have.next = NULL;
	have.limits.maxBuffer = have.limits.maxBuffer < cap ? have.limits.maxBuffer : cap;
	have.limits.maxStorage = have.limits.maxStorage < cap ? have.limits.maxStorage : cap;
	DeviceDescriptor d;
	memset(&d, 0, sizeof d);
	d.limits = &have;
	d.lost = on_lost;
	d.lostUserdata = s;
	void *device = NULL;
	wgpuAdapterRequestDevice(adapter, &d, on_device, &device);
	if (device == NULL) {
		return NULL;
	}
	wgpuDeviceSetUncapturedErrorCallback(device, on_error, s);
	memset(&have, 0, sizeof have);
	wgpuDeviceGetLimits(device, &have);
	got->buffer = have.limits.maxBuffer;
	got->binding = have.limits.maxStorage;
	return device;
}

// The end of a pass, queue submit and poll cannot report a loss: on a lost device the library panics, and as the panic cannot leave a C function, it
// calls abort. guarded runs one of them so that an abort on this thread comes back as false; the library's locks may stay taken, so
// nothing of that device may be touched afterwards. On Windows an abort cannot be caught.
typedef struct {
	void *object, *commands;
	lt_state *state;
} call;

#ifndef _WIN32
static __thread sigjmp_buf *armed;
static struct sigaction before;

static void on_abort(int sig) {
	if (armed != NULL) {
		siglongjmp(*armed, 1);
	}
	sigaction(SIGABRT, &before, NULL);
	raise(sig);
}

void lt_catch_aborts(void) {
	struct sigaction a;
	memset(&a, 0, sizeof a);
	a.sa_handler = on_abort;
	a.sa_flags = SA_ONSTACK;
	sigaction(SIGABRT, &a, &before);
}

static bool guarded(void (*f)(call *), call *c, const char *what) {
	sigjmp_buf back;
	if (sigsetjmp(back, 1) != 0) {
		armed = NULL;
		c->state->lost = 1;
		snprintf(c->state->reason, sizeof c->state->reason, "the library gave up in %s; its own message is on standard error", what);
		return false;
	}
	armed = &back;
	f(c);
	armed = NULL;
	return true;
}
#else
void lt_catch_aborts(void) {}

static bool guarded(void (*f)(call *), call *c, const char *what) {
	(void)what;
	f(c);
	return true;
}
#endif

static void submit(call *c) {
	wgpuQueueSubmitForIndex(c->object, 1, &c->commands);
	wgpuQueueOnSubmittedWorkDone(c->object, on_done, c->state);
}

static void end_pass(call *c) { wgpuComputePassEncoderEnd(c->object); }

static void poll_once(call *c) { wgpuDevicePoll(c->object, false, NULL); }

bool lt_end(void *pass, lt_state *s) {
	call c = {pass, NULL, s};
	return guarded(end_pass, &c, "the end of a compute pass");
}

bool lt_submit(void *queue, void *commands, lt_state *s) {
	call c = {queue, commands, s};
	return guarded(submit, &c, "queue submit");
}

bool lt_poll(void *device, lt_state *s) {
	call c = {device, NULL, s};
	return guarded(poll_once, &c, "poll");
}

void lt_map_read(void *buffer, size_t size, lt_map *m) {
	m->state = 1;
	wgpuBufferMapAsync(buffer, 1, 0, size, on_map, m);
}

// lt_quiet gives XDG_RUNTIME_DIR a value where it has none and lt_loud takes it away again: Mesa's drivers look for a Wayland display
// while adapters are enumerated, and libwayland then prints an error line for each driver on machines without a desktop.
#ifdef __linux__
int lt_quiet(void) {
	if (getenv("XDG_RUNTIME_DIR") != NULL) {
		return 0;
	}
	setenv("XDG_RUNTIME_DIR", "/nonexistent", 0);
	return 1;
}

void lt_loud(int set) {
	if (set) {
		unsetenv("XDG_RUNTIME_DIR");
	}
}
#else
int lt_quiet(void) { return 0; }

void lt_loud(int set) { (void)set; }
#endif
