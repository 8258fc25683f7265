/*
 * A guest that looks for a VMI ROM as Linux 2.6.32 does (arch/x86/kernel/vmi_32.c: check_vmi_rom, probe_vmi_rom, activate_vmi, patch_internal)
 * and then works through it. What it found is in `seen`.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned u32;
typedef unsigned long long u64;

struct vrom_header {
  u16 rom_signature;
  u8 rom_length;
  u8 rom_entry[4];
  u8 rom_pad0;
  u32 vrom_signature;
  u8 api_version_min, api_version_maj, jump_slots, reserved1;
  u32 virtual_top;
  u16 reserved2, license_offs, pci_header_offs, pnp_header_offs;
  u32 rom_pad3;
  u8 reserved[96];
  char vmi_init[8];
  char get_reloc[8];
} __attribute__((packed));

struct pci_header {
  char sig[4];
  u16 vendor, device, vpd, size;
  char revision, class, subclass, interface;
  u16 chunks;
  char rom_version_min, rom_version_maj, codetype, last;
  u16 reserved;
} __attribute__((packed));

typedef u32 __attribute__((regparm(1))) VROMFUNC(void);
typedef u64 __attribute__((regparm(2))) VROMLONGFUNC(int);

struct seen {
  u32 base, checksum, init, read_only, relocations[74], types[74];
  u32 cr0, flags_before, flags_off, flags_on, gdt_low, gdt_high, pte, page, idt_limit, cpuid[4], interrupts, iopl, dr2;
} seen;

__asm__(".section .text.start\n.globl start\nstart: mov $0x180000,%esp\ncall main\n1: hlt\njmp 1b\n.text\n");

static struct vrom_header *rom;

static int same(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

static int check(struct vrom_header *at) {
  const struct pci_header *pci;
  if (at->rom_signature != 0xaa55 || at->vrom_signature != 0x696d5663) return 0;
  if (at->api_version_maj != 3 || !at->pci_header_offs) return 0;
  pci = (const void *)((char *)at + at->pci_header_offs);
  if (pci->vendor != 0x15ad || pci->device != 0x0801 || *(u32 *)pci->sig != 0x52494350) return 0;
  return same((char *)at + at->license_offs, "GPL");
}

static void *function(int call) {
  u64 relocation = ((VROMLONGFUNC *)rom->get_reloc)(call);
  seen.relocations[call] = relocation;
  seen.types[call] = (relocation >> 32) & 0xff;
  return (void *)(u32)relocation;
}

/* Five bytes of CALL or JMP, as MNEM_CALL and MNEM_JMP of the kernel. */
static void patch(u8 *site, u8 opcode, void *to) {
  site[0] = opcode;
  *(u32 *)(site + 1) = (u32)to - (u32)site - 5;
}

extern u8 irq_disable_site[], irq_enable_site[], save_fl_site[], iret_site[], handler[];
__asm__(".text\n"
        "irq_disable: .globl irq_disable\n"
        "irq_disable_site: .globl irq_disable_site\n .byte 0x0f,0x0b,0x90,0x90,0x90\n ret\n"
        "irq_enable: .globl irq_enable\n"
        "irq_enable_site: .globl irq_enable_site\n .byte 0x0f,0x0b,0x90,0x90,0x90\n ret\n"
        "save_fl: .globl save_fl\n"
        "save_fl_site: .globl save_fl_site\n .byte 0x0f,0x0b,0x90,0x90,0x90\n ret\n"
        "handler: .globl handler\n incl seen_interrupts\n"
        /* The kernel has an indirect jump through a poisoned pointer here. */
        "iret_site: .globl iret_site\n .byte 0x0f,0x0b,0x90,0x90,0x90\n");
u32 seen_interrupts;
void irq_disable(void), irq_enable(void);
u32 save_fl(void);

static struct { u16 limit; u32 base; } __attribute__((packed)) idtr, stored;
static u64 idt[64], table[8];

int main(void) {
  for (u32 base = 0xc0000; base < 0xe0000 && !rom; base += 2048)
    if (check((void *)base)) rom = (void *)base;
  seen.base = (u32)rom;
  if (!rom) return 0;
  for (u32 n = 0; n < rom->rom_length * 512u; n++) seen.checksum += ((u8 *)rom)[n];
  seen.checksum &= 0xff;
  ((volatile u8 *)rom)[0x20] = 0x77;
  *(volatile u32 *)((u8 *)rom + 0x24) ^= 0xffffffff;
  seen.read_only = ((volatile u8 *)rom)[0x20] == 0 && *(volatile u32 *)((u8 *)rom + 0x24) == 0;
  seen.init = ((VROMFUNC *)rom->vmi_init)();
  for (int call = 0; call < 74; call++) function(call);

  patch(irq_disable_site, 0xe8, function(30));
  patch(irq_enable_site, 0xe8, function(29));
  patch(save_fl_site, 0xe8, function(31));
  patch(iret_site, 0xe9, function(33));

  seen.flags_before = save_fl();
  ((void __attribute__((regparm(3))) (*)(void *, int, u32, u32))function(13))(idt, 0x21, 0x00080000 | ((u32)handler & 0xffff),
                                                                              ((u32)handler & 0xffff0000) | 0x8e00);
  idtr.limit = sizeof(idt) - 1;
  idtr.base = (u32)idt;
  ((void __attribute__((regparm(3))) (*)(void *))function(5))(&idtr);
  ((void __attribute__((regparm(3))) (*)(void *))function(9))(&stored);
  seen.idt_limit = stored.limit;
  __asm__ volatile("int $0x21" ::: "memory");
  seen.interrupts = seen_interrupts;
  irq_enable();
  seen.flags_on = save_fl();
  irq_disable();
  seen.flags_off = save_fl();

  seen.cr0 = ((u32(*)(void))function(19))();
  ((void __attribute__((regparm(3))) (*)(void *, int, u32, u32))function(11))(table, 3, 0x1234ffff, 0x00cf9b56);
  seen.gdt_low = table[3];
  seen.gdt_high = table[3] >> 32;
  ((void __attribute__((regparm(3))) (*)(u32, void *, u32))function(38))(0x5067, &seen.pte, 1);
  seen.page = ((u32 __attribute__((regparm(3))) (*)(u32))function(43))(0x1234);
  ((void __attribute__((regparm(3))) (*)(u32))function(61))(0x3000);
  seen.iopl = save_fl() & 0x3000;
  ((void __attribute__((regparm(3))) (*)(int, u32))function(24))(2, 0xdead);
  seen.dr2 = ((u32 __attribute__((regparm(3))) (*)(int))function(25))(2);
  __asm__ volatile("call *%4"
                   : "=a"(seen.cpuid[0]), "=b"(seen.cpuid[1]), "=c"(seen.cpuid[2]), "=d"(seen.cpuid[3])
                   : "r"(function(0)), "0"(0), "2"(0));
  ((void __attribute__((regparm(3))) (*)(u32))function(47))(3);
  ((void (*)(void))function(37))();
  return 0;
}
