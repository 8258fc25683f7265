/* The backend for KVM, found by CPUID: the hardware is all there, and only a few things go better. */
#include "backends.h"
#include "paravirt.h"

#define SIGNATURE_LEAF 0x40000000

static const char *kvm_probe(const struct start *start)
{
	u32 eax = SIGNATURE_LEAF, ebx, ecx, edx;

	(void)start;
	asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
	return ebx == 0x4b4d564b && ecx == 0x564b4d56 && edx == 0x4d ? "CPUID leaf 0x40000000 says KVMKVMKVM" : NULL;
}

static void kvm_install(void)
{
	pv_ops.info.name = "KVM";
	pv_ops.cpu.io_delay = paravirt_nop;
}

const struct backend kvm_backend = { kvm_probe, kvm_install };
