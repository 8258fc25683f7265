/* The backend for VMI: a native boot, then a look for the option ROM, which tells for each call where its code is. */
#include "backends.h"
#include "paravirt.h"

#define ROM_FIRST 0xc0000
#define ROM_LAST 0xdf800
#define ROM_STEP 2048
#define ROM_SIGNATURE 0xaa55
#define VROM_SIGNATURE 0x696d5663
#define VMI_INIT 0x80
#define VMI_GET_RELOCATION 0x88
#define VMI_CALL_IO_DELAY 65
#define VMI_CALL_ENABLE_INTERRUPTS 29
#define VMI_CALL_DISABLE_INTERRUPTS 30
#define RELOCATION_CALL 1

static const u8 *rom;

static const char *vmi_probe(const struct start *start)
{
	const u8 *at;

	(void)start;
	for (at = (const u8 *)ROM_FIRST; at <= (const u8 *)ROM_LAST; at += ROM_STEP)
		if (*(const u16 *)at == ROM_SIGNATURE && *(const u32 *)(at + 8) == VROM_SIGNATURE) {
			rom = at;
			return "an option ROM has VMI's signature";
		}
	return NULL;
}

/* EDX:EAX is struct vmi_relocation_info: the address, then the type. */
static void set_call(void (**op)(void), u32 number)
{
	u32 address, type;

	asm volatile("call *%3" : "=a"(address), "=d"(type) : "0"(number), "r"(rom + VMI_GET_RELOCATION) : "ecx", "memory");
	if ((type & 0xff) == RELOCATION_CALL)
		*op = (void (*)(void))address;
}

static void vmi_install(void)
{
	u32 failed;

	asm volatile("call *%1" : "=a"(failed) : "r"(rom + VMI_INIT) : "ecx", "edx", "memory");
	if (failed)
		return;
	pv_ops.info.name = "VMI";
	set_call(&pv_ops.cpu.io_delay, VMI_CALL_IO_DELAY);
	set_call(&pv_ops.irq.irq_enable, VMI_CALL_ENABLE_INTERRUPTS);
	set_call(&pv_ops.irq.irq_disable, VMI_CALL_DISABLE_INTERRUPTS);
}

const struct backend vmi_backend = { vmi_probe, vmi_install };
