/**
 * The typed layout of the machine's one WebAssembly.Memory. All offsets are bytes from its start.
 * Generated code and TypeScript views use these constants and nothing else.
 */

/** Sixteen 64-bit little-endian general registers in encoding order (RAX RCX RDX RBX RSP RBP RSI RDI R8..R15). */
export const REGISTERS = 0;
/** A 64-bit slot that is always zero: the "no base" and "no index" of an effective address. */
export const ZERO = 128;
/** Instruction pointer: the offset in CS, 64-bit slot. */
export const IP = 136;
/** Lazy flag record: kind code (u32), then three 64-bit slots. */
export const FLAG_KIND = 144;
export const FLAG_A = 152;
export const FLAG_B = 160;
export const FLAG_RESULT = 168;
/** EFLAGS without CF PF AF ZF SF OF, which live in the lazy record (u32). */
export const EFLAGS = 176;
/** Instructions left to run (i32), micro-op where generated code left (u32), why it left (u32), "cannot complete" (u32). */
export const BUDGET = 184;
export const EXIT_MICRO_OP = 188;
export const EXIT_REASON = 192;
export const BAIL = 196;
/** Current privilege level (u32). */
export const CPL = 200;
/** While interrupts are held off for one instruction (u32): 1 by STI, 2 by MOV SS or POP SS, which hold debug traps and NMIs too. */
export const INTERRUPT_SHADOW = 204;
/** Shadow call stack: number of live entries (u32). */
export const SHADOW_DEPTH = 208;

/** Which segments (bit numbers in encoding order) are flat: base 0, all 4 GiB readable and writable (u32). Follows from their caches. */
export const FLAT_SEGMENTS = 212;

/** CR0..CR8, 64-bit slots. */
export const CONTROL = 512;
/** DR0..DR7, 64-bit slots. */
export const DEBUG_REGISTERS = 592;
/** GDTR base (64-bit slot) and limit (u32), then IDTR the same way. */
export const GDTR = 656;
export const IDTR = 672;
/** PDPTE0..PDPTE3, 64 bits each: what PAE paging keeps of the page-directory-pointer table (SDM 3, 4.4.1). */
export const PAGE_DIRECTORY_POINTERS = 704;
/** 1 while address line 20 is held low (u32). */
export const A20_OFF = 736;
/** DR6 bits of debug traps that wait for the end of the instruction, or of the one behind MOV SS (u32). */
export const DEBUG_PENDING = 740;
/** 1 from the delivery of an NMI to the next IRET (u32), 1 while another NMI waits for that (u32). */
export const NMI_BLOCKED = 744;
export const NMI_PENDING = 748;
/** 1 behind any pass but the last of a repeated string instruction (u32). */
export const REPEATING = 752;

/**
 * x87: eight physical registers R0..R7 of 16 bytes (80-bit value in the low ten, little-endian; MMX registers are their low eight), then u32
 * words: control, status, full tag word, instruction offset, instruction selector, operand offset, operand selector, opcode (11 bits).
 */
export const X87_REGISTERS = 1024;
export const X87_CONTROL = 1152;
export const X87_STATUS = 1156;
export const X87_TAG = 1160;
export const X87_INSTRUCTION_OFFSET = 1164;
export const X87_INSTRUCTION_SELECTOR = 1168;
export const X87_OPERAND_OFFSET = 1172;
export const X87_OPERAND_SELECTOR = 1176;
export const X87_OPCODE = 1180;
/** MXCSR (u32). */
export const MXCSR = 1184;
/** XMM0..XMM7, 16 bytes each. */
export const XMM = 1280;

/** Six segment caches (ES CS SS DS FS GS), then LDTR and TR. The six are named by a byte of the micro-op, as bytes from here. */
export const SEGMENTS = 1536;
export const SEGMENT_SIZE = 48;
/** Within a segment cache, u32 each. */
export const SEGMENT_BASE = 0;
export const SEGMENT_SELECTOR = 4;
export const SEGMENT_ACCESS = 8;
export const SEGMENT_LIMIT = 12;
/** The lowest valid offset; and at how many offsets from there on a read of 1, 2 or 4 bytes may start, and a write: three words each. */
export const SEGMENT_LOWEST = 16;
export const SEGMENT_READS = 20;
export const SEGMENT_WRITES = 32;
/** The most that those counts say. An access of 4 bytes at an offset below it does not go round the end of the offsets. */
export const MOST_STARTS = 0xfffffffc;

/** Model-specific registers, 64-bit slots in the order of `MSR_FACTS`. */
export const MODEL_SPECIFIC = 2048;

/**
 * Shadow call stack entries of 16 bytes: return address, stack offset of the return address, kind, and unless it is a near call the
 * base of the caller's code segment (u32 each).
 */
export const SHADOW_STACK = 0x4000;
export const SHADOW_ENTRY_SIZE = 16;
export const SHADOW_ENTRIES = 1024;

/**
 * Not state: where the flags of the lines of code are, one byte for each 64 bytes of RAM, as what is to be added to 1/64 of an address
 * in this memory (u32). They lie behind RAM.
 */
export const CODE_LINES = 0x10000;
/** Log2 of the bytes in a line. Code is tracked by lines, because kernels keep data beside code. */
export const CODE_LINE_SHIFT = 6;

/** Interpreter jump cache: 16384 pairs (instruction pointer, micro-op). */
export const JUMP_CACHE = 0x20000;
export const JUMP_CACHE_ENTRIES = 0x4000;

/**
 * Direct software TLBs, one u32 per linear page of 4 GiB; an entry is host page XOR linear page, or -1. The low bits are 0,
 * or in a write entry {@link TLB_CODE_PAGE} where the page holds code: a write misses, and looks at its lines first. (One of these may be -1: it is slow.)
 */
export const TLB_READ = 0x100000;
export const TLB_WRITE = 0x500000;
export const TLB_CODE_PAGE = 0xfff;
export const TLB_ENTRIES = 0x100000;

/** The micro-op arena. */
export const MICRO_OPS = 0x900000;
export const MICRO_OPS_END = 0x1100000;

/** Guest physical memory starts here. */
export const RAM = 0x1100000;

/**
 * One micro-op: 32 bytes. `handler` and `onMiss` are table indexes of 16 bits; the latter completes accesses that miss the TLBs, which the
 * former does not. Register operands are byte offsets into the register file, so AH is 1; `entry`: its block in a translated region.
 */
export const MICRO_OP = {
  handler: 0,
  onMiss: 2,
  register0: 4,
  register1: 5,
  base: 6,
  index: 7,
  displacement: 8,
  immediate: 12,
  next: 16,
  scale: 20,
  segment: 21,
  entry: 22,
  left: 23,
  link0: 24,
  link1: 28,
  size: 32,
} as const;

/**
 * Why generated code returned to the driver. `unfit`: the region is not for the segments that are loaded. `apart`: the interpreter has to run
 * the block whose first handler a region has taken the place of.
 */
export const EXIT = {
  budget: 1,
  bail: 2,
  unlinked: 3,
  indirect: 4,
  stop: 5,
  breakpoint: 6,
  unfit: 7,
  apart: 8,
} as const;
