// gpucheck_icd is a Vulkan driver that stands before the one named by GPUCHECK_DRIVER, Mesa's RADV with its null device:
//  - it fakes what that device lacks and wgpu wants: a memory heap (malloc), timeline semaphores, descriptor and command recording;
//  - it asks each compute pipeline for statistics and machine code, and writes them and the SPIR-V to GPUCHECK_OUT/GPUCHECK_NAME.*,
//    where the program sets GPUCHECK_NAME before each pipeline.
// Nothing runs: submits and waits succeed at once. Build: cc -shared -fPIC -o libgpucheck_icd.so gpucheck_icd.c -ldl
#define _GNU_SOURCE
#define VK_NO_PROTOTYPES
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>
#include <vulkan/vk_icd.h>

#define EXPORT __attribute__((visibility("default")))
#define FAKE static VKAPI_ATTR VkResult VKAPI_CALL
#define FAKE_VOID static VKAPI_ATTR void VKAPI_CALL
typedef const VkAllocationCallbacks *Alloc;

// The real driver's functions.
static PFN_vkGetInstanceProcAddr real_instance_proc, real_physical_proc;
static PFN_vkGetDeviceProcAddr real_device_proc;
static PFN_vkCreateDevice real_create_device;
static PFN_vkCreateSemaphore real_create_semaphore;
static PFN_vkCreateShaderModule real_create_module;
static PFN_vkCreateComputePipelines real_create_pipelines;
static PFN_vkGetBufferMemoryRequirements real_requirements;
static PFN_vkGetBufferMemoryRequirements2 real_requirements2;
static PFN_vkGetPipelineExecutablePropertiesKHR real_executables;
static PFN_vkGetPipelineExecutableStatisticsKHR real_statistics;
static PFN_vkGetPipelineExecutableInternalRepresentationsKHR real_texts;
static PFN_vkVoidFunction ignored;

static void load(void) {
  if (real_instance_proc) return;
  const char *path = getenv("GPUCHECK_DRIVER");
  void *lib = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
  if (!lib) {
    fprintf(stderr, "gpucheck_icd: cannot load GPUCHECK_DRIVER=%s: %s\n", path ? path : "", path ? dlerror() : "not set");
    exit(3);
  }
  int (*negotiate)(uint32_t *) = dlsym(lib, "vk_icdNegotiateLoaderICDInterfaceVersion");
  uint32_t version = 5;
  if (negotiate) negotiate(&version);
  real_instance_proc = dlsym(lib, "vk_icdGetInstanceProcAddr");
  real_physical_proc = dlsym(lib, "vk_icdGetPhysicalDeviceProcAddr");
}

static FILE *result(const char *extension) {
  char path[4096];
  const char *dir = getenv("GPUCHECK_OUT"), *name = getenv("GPUCHECK_NAME");
  snprintf(path, sizeof path, "%s/%s.%s", dir ? dir : ".", name ? name : "internal", extension);
  return fopen(path, "w");
}

// Memory: one heap with one type that can do everything.
FAKE_VOID memory(VkPhysicalDevice d, VkPhysicalDeviceMemoryProperties *p) {
  memset(p, 0, sizeof *p);
  p->memoryTypeCount = p->memoryHeapCount = 1;
  p->memoryTypes[0].propertyFlags = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                    VK_MEMORY_PROPERTY_HOST_COHERENT_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
  p->memoryHeaps[0] = (VkMemoryHeap){8ull << 30, VK_MEMORY_HEAP_DEVICE_LOCAL_BIT};
}
FAKE_VOID memory2(VkPhysicalDevice d, VkPhysicalDeviceMemoryProperties2 *p) { memory(d, &p->memoryProperties); }
FAKE_VOID requirements(VkDevice d, VkBuffer b, VkMemoryRequirements *m) {
  real_requirements(d, b, m);
  m->memoryTypeBits = 1;
}
FAKE_VOID requirements2(VkDevice d, const VkBufferMemoryRequirementsInfo2 *b, VkMemoryRequirements2 *m) {
  real_requirements2(d, b, m);
  m->memoryRequirements.memoryTypeBits = 1;
}
FAKE allocate(VkDevice d, const VkMemoryAllocateInfo *info, Alloc a, VkDeviceMemory *m) {
  void *p = NULL;
  if (posix_memalign(&p, 4096, info->allocationSize)) return VK_ERROR_OUT_OF_DEVICE_MEMORY;
  *m = (VkDeviceMemory)p;
  return VK_SUCCESS;
}
FAKE_VOID release(VkDevice d, VkDeviceMemory m, Alloc a) { free((void *)m); }
FAKE map(VkDevice d, VkDeviceMemory m, VkDeviceSize offset, VkDeviceSize size, VkMemoryMapFlags f, void **p) {
  *p = (char *)m + offset;
  return VK_SUCCESS;
}

// Queues: everything is done already.
FAKE_VOID nothing(void) {}
FAKE done(void) { return VK_SUCCESS; }
FAKE create_semaphore(VkDevice d, const VkSemaphoreCreateInfo *info, Alloc a, VkSemaphore *s) {
  VkSemaphoreCreateInfo binary = *info;
  binary.pNext = NULL;
  return real_create_semaphore(d, &binary, a, s);
}
FAKE counter(VkDevice d, VkSemaphore s, uint64_t *value) {
  *value = 1ull << 40;
  return VK_SUCCESS;
}

// wgpu destroys no module before its pipeline is made, and makes one at a time: the last module is the pipeline's.
FAKE create_module(VkDevice d, const VkShaderModuleCreateInfo *info, Alloc a, VkShaderModule *m) {
  FILE *f = result("spv");
  if (f) {
    fwrite(info->pCode, 1, info->codeSize, f);
    fclose(f);
  }
  return real_create_module(d, info, a, m);
}

static void write_texts(VkDevice d, VkPipelineExecutableInfoKHR *exe) {
  VkPipelineExecutableInternalRepresentationKHR t[16] = {0};
  uint32_t n = 16;
  for (int i = 0; i < 16; i++) t[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR;
  real_texts(d, exe, &n, t);
  for (uint32_t i = 0; i < n; i++) t[i].pData = calloc(1, t[i].dataSize + 1);
  real_texts(d, exe, &n, t);
  for (uint32_t i = 0; i < n; i++) {
    const char *kind = strstr(t[i].name, "ssembly") ? "asm" : strstr(t[i].name, "NIR") ? "nir" : "ir";
    FILE *f = t[i].isText ? result(kind) : NULL;
    if (f) {
      fprintf(f, "; %s\n%s\n", t[i].name, (char *)t[i].pData);
      fclose(f);
    }
    free(t[i].pData);
  }
}

static void write_results(VkDevice d, VkPipeline p) {
  VkPipelineInfoKHR info = {VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, NULL, p};
  VkPipelineExecutablePropertiesKHR exe = {VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR};
  uint32_t one = 1, n = 64;
  real_executables(d, &info, &one, &exe); // a compute pipeline has one executable
  VkPipelineExecutableInfoKHR which = {VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, NULL, p, 0};
  VkPipelineExecutableStatisticKHR s[64] = {0};
  for (int i = 0; i < 64; i++) s[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
  real_statistics(d, &which, &n, s);
  FILE *f = result("stats");
  if (f) {
    fprintf(f, "Executable %s=%u\n", exe.name, exe.subgroupSize);
    for (uint32_t i = 0; i < n; i++) {
      if (s[i].format == VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR) fprintf(f, "%s=%g\n", s[i].name, s[i].value.f64);
      else fprintf(f, "%s=%lld\n", s[i].name, (long long)s[i].value.u64);
    }
    fclose(f);
  }
  write_texts(d, &which);
}

FAKE create_pipelines(VkDevice d, VkPipelineCache cache, uint32_t n, const VkComputePipelineCreateInfo *info, Alloc a, VkPipeline *p) {
  VkResult worst = VK_SUCCESS;
  for (uint32_t i = 0; i < n; i++) {
    VkComputePipelineCreateInfo c = info[i];
    c.flags |= VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR | VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR;
    VkResult r = real_create_pipelines(d, VK_NULL_HANDLE, 1, &c, a, &p[i]);
    if (r == VK_SUCCESS) write_results(d, p[i]);
    else worst = r;
  }
  return worst;
}

// create_device switches the reports of compiled pipelines on.
FAKE create_device(VkPhysicalDevice pd, const VkDeviceCreateInfo *info, Alloc a, VkDevice *d) {
  VkDeviceCreateInfo c = *info;
  const char **names = calloc(c.enabledExtensionCount + 1, sizeof *names);
  memcpy(names, c.ppEnabledExtensionNames, c.enabledExtensionCount * sizeof *names);
  names[c.enabledExtensionCount++] = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;
  VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR on = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR, (void *)c.pNext, VK_TRUE};
  c.pNext = &on;
  c.ppEnabledExtensionNames = names;
  VkResult r = real_create_device(pd, &c, a, d);
  free(names);
  if (r != VK_SUCCESS) {
    fprintf(stderr, "gpucheck_icd: vkCreateDevice = %d\n", r);
    return r;
  }
  real_executables = (PFN_vkGetPipelineExecutablePropertiesKHR)real_device_proc(*d, "vkGetPipelineExecutablePropertiesKHR");
  real_statistics = (PFN_vkGetPipelineExecutableStatisticsKHR)real_device_proc(*d, "vkGetPipelineExecutableStatisticsKHR");
  real_texts = (PFN_vkGetPipelineExecutableInternalRepresentationsKHR)real_device_proc(*d, "vkGetPipelineExecutableInternalRepresentationsKHR");
  return r;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL device_proc(VkDevice d, const char *name);

// hooks replace functions that the real driver has; it keeps its own where real says.
static const struct { const char *name; void *mine, *real; } hooks[] = {
    {"vkGetDeviceProcAddr", device_proc, &real_device_proc},
    {"vkCreateDevice", create_device, &real_create_device},
    {"vkCreateShaderModule", create_module, &real_create_module},
    {"vkCreateComputePipelines", create_pipelines, &real_create_pipelines},
    {"vkGetPhysicalDeviceMemoryProperties", memory, &ignored},
    {"vkGetPhysicalDeviceMemoryProperties2", memory2, &ignored},
    {"vkGetPhysicalDeviceMemoryProperties2KHR", memory2, &ignored},
    {"vkGetBufferMemoryRequirements", requirements, &real_requirements},
    {"vkGetBufferMemoryRequirements2", requirements2, &real_requirements2},
    {"vkGetBufferMemoryRequirements2KHR", requirements2, &real_requirements2},
    {"vkAllocateMemory", allocate, &ignored},
    {"vkFreeMemory", release, &ignored},
    {"vkMapMemory", map, &ignored},
    {"vkUnmapMemory", nothing, &ignored},
    {"vkBindBufferMemory", done, &ignored},
    {"vkBindBufferMemory2", done, &ignored},
    {"vkBindBufferMemory2KHR", done, &ignored},
    {"vkFlushMappedMemoryRanges", done, &ignored},
    {"vkInvalidateMappedMemoryRanges", done, &ignored},
    {"vkCreateSemaphore", create_semaphore, &real_create_semaphore},
    {"vkGetSemaphoreCounterValue", counter, &ignored},
    {"vkGetSemaphoreCounterValueKHR", counter, &ignored},
    {"vkWaitSemaphores", done, &ignored},
    {"vkWaitSemaphoresKHR", done, &ignored},
    {"vkWaitForFences", done, &ignored},
    {"vkQueueSubmit", done, &ignored},
    {"vkQueueSubmit2", done, &ignored},
    {"vkBeginCommandBuffer", done, &ignored},
    {"vkEndCommandBuffer", done, &ignored},
    {"vkResetCommandPool", done, &ignored},
    {"vkUpdateDescriptorSets", nothing, &ignored},
    {"vkUpdateDescriptorSetWithTemplate", nothing, &ignored},
};

static PFN_vkVoidFunction hook(const char *name, PFN_vkVoidFunction real) {
  if (!real) return NULL;
  for (size_t i = 0; i < sizeof hooks / sizeof *hooks; i++) {
    if (strcmp(name, hooks[i].name)) continue;
    *(PFN_vkVoidFunction *)hooks[i].real = real;
    return (PFN_vkVoidFunction)hooks[i].mine;
  }
  return strncmp(name, "vkCmd", 5) ? real : (PFN_vkVoidFunction)nothing;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL device_proc(VkDevice d, const char *name) { return hook(name, real_device_proc(d, name)); }

EXPORT PFN_vkVoidFunction vk_icdGetInstanceProcAddr(VkInstance i, const char *name) {
  load();
  if (i && !real_device_proc) real_device_proc = (PFN_vkGetDeviceProcAddr)real_instance_proc(i, "vkGetDeviceProcAddr");
  return hook(name, real_instance_proc(i, name));
}
EXPORT PFN_vkVoidFunction vk_icdGetPhysicalDeviceProcAddr(VkInstance i, const char *name) {
  load();
  return real_physical_proc ? hook(name, real_physical_proc(i, name)) : NULL;
}
EXPORT VkResult vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version) {
  load();
  if (*version > 5) *version = 5;
  return VK_SUCCESS;
}
