// What binding17.c gives to Go. The library's own header lives in another module, so its few functions are declared there by hand.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// lt_state is what the library's callbacks write to. It lives in C memory: the Go wrapper hands the library pointers into the Go heap
// for its asynchronous callbacks, which a collection may free before the callback runs.
typedef struct lt_state {
	uint64_t done;      // submits finished
	int error;          // WGPUErrorType of the first error not yet taken, 0 for none
	char message[2048]; // its text
	int lost;
	char reason[512];
} lt_state;

// lt_map is the state of one readback buffer: 0 not mapped, 1 pending, 2 ready, 3 failed.
typedef struct lt_map {
	int state;
} lt_map;

// lt_most are the largest buffer and the largest storage binding, in bytes.
typedef struct lt_most {
	uint64_t buffer, binding;
} lt_most;

void *lt_open(void *adapter, lt_state *s, uint64_t cap, lt_most *got);
bool lt_end(void *pass, lt_state *s);
bool lt_submit(void *queue, void *commands, lt_state *s);
bool lt_poll(void *device, lt_state *s);
void lt_map_read(void *buffer, size_t size, lt_map *m);
void lt_catch_aborts(void);
int lt_quiet(void);
void lt_loud(int set);
