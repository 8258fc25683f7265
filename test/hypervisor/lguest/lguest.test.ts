import assert from 'node:assert/strict';
import type { Context } from 'mocha';
import { LGUEST_STARTS, type LguestStart } from '../../support/lguest-guests.ts';
import { boot, isNew, lguestImage, MEMORY } from './guest.ts';

/** CRASH of the first revisions and SHUTDOWN of the later ones have the same number. */
const POWER_DOWN = 'hcall 2, $bye - 0xc0000000, $1';
const TEXT = 'bye: .asciz "Power down"\n.skip 128\n';

/** NOTIFY with an address, SEND_DMA to the console before there was one; 4.4 has neither. */
function print(start: LguestStart): string {
  if (start === '4.4') return '';
  if (start === '2.6.24' || isNew(start)) return 'hcall 17, $hello - 0xc0000000';
  return 'hcall 13, $0, $dma - 0xc0000000';
}
const HELLO = `
hello: .asciz "hello from ring 1\\n"
.balign 4
dma: .long 0, hello - 0xc0000000
.skip 15 * 4
.word 18
.skip 15 * 2
`;

/** Prints, takes a page fault and a clock interrupt through handlers of its own, and ends. */
function tour(start: LguestStart): string {
  const setClock = start === 'lguest_boot_info' ? 'hcall 9' : 'hcall 9, $1000000';
  return `
  ${print(start)}
  movl %cs,%eax
  movl %eax,seen_cs
  set_gate 14, page_fault
  set_gate 32, clock
  movl $0x200,irq_enabled
  movl $0xd0000123,%ebp
touch: movl $0x55,(%ebp)
after_touch:
  movl irq_enabled,%eax
  movl %eax,enabled_after_fault
  ${setClock}
  hcall 10
  movl irq_enabled,%eax
  movl %eax,enabled_after_clock
  ${POWER_DOWN}
page_fault:
  popl fault_code
  movl (%esp),%eax
  movl %eax,fault_ip
  movl $after_touch,(%esp)
  movl 8(%esp),%eax
  movl %eax,fault_flags
  movl last_cr2,%eax
  movl %eax,fault_address
  movl irq_enabled,%eax
  movl %eax,enabled_in_handler
  jmp lguest_iret
clock:
  incl ticks
  jmp lguest_iret`;
}
const WORDS = [
  ...['seen_cs', 'fault_code', 'fault_ip', 'fault_flags', 'fault_address'],
  ...['enabled_in_handler', 'enabled_after_fault', 'enabled_after_clock', 'ticks'],
]
  .map((name) => `${name}: .long 0\n`)
  .join('');

function guest(test: Context, start: LguestStart, body: string, data = ''): ReturnType<typeof boot> {
  return boot(lguestImage(test, start, body, `${TEXT}${data}`));
}

/** What ends a guest, and why (drivers/lguest of each revision). */
const DEADLY: readonly (readonly [LguestStart, string, RegExp])[] = [
  ['2.6.24', 'hcall 42', /Bad hypercall 42/],
  ['4.4', 'hcall 17, $0', /Bad hypercall 17/],
  ['2.6.32', 'hcall 3', /Bad hypercall 3\./],
  ['2.6.24', 'hcall 1, $0', /already have lguest_data/],
  ['2.6.24', 'hcall 6, $300, $0, $0x8e00', /Setting idt entry 300/],
  ['2.6.24', 'hcall 6, $14, $0, $0x8c00', /bad IDT type 12/],
  ['2.6.24', 'hcall 7, $0x68, $0xc0000000, $1', /bad stack segment 104/],
  ['2.6.24', 'hcall 7, $0x69, $0xc0200000, $3', /bad stack pages 3/],
  ['2.6.24', 'hcall 7, $0x69, $0xe0200000, $1', /bad stack page 0xe01fffff/],
  ['2.6.24', 'hcall 3, $0, $33', /too many gdt entries 33/],
  ['2.6.24', 'hcall 3, $0xfffffff0, $32', /bad read address 0xfffffff0 len 256/],
  ['2.6.24', 'hcall 4, $0x7fffffff', /bad read address 0x7fffffff len 4/],
  ['2.6.24', 'hcall 14, $0, $0xc0000000, $0x80000027', /bad page table entry/],
  ['2.6.24', 'hcall 17, $0x400000', /Bad NOTIFY 0x400000/],
  ['2.6.24', 'hcall 2, $0x7ffffff0', /bad read address 0x7ffffff0 len 128/],
  ['2.6.32', 'hcall 18, $32, $0, $0', /too many gdt entries 32/],
  ['2.6.32', 'hcall 13, $0, $0', /SET_PMD is for PAE/],
  ['2.6.24', 'movl 0xd0000000,%eax', /unhandled trap 14 at 0xc01.* \(0xd0000000\)/],
  ['2.6.24', 'movl 0xfffff000,%eax', /unhandled trap 14/],
  ['2.6.24', 'hlt', /unhandled trap 13/],
  ['2.6.24', 'cli', /unhandled trap 13/],
  ['2.6.24', 'movl %cr3,%eax', /unhandled trap 13/],
  ['2.6.24', 'int $0x21', /unhandled trap 13/],
  ['2.6.24', 'ud2', /unhandled trap 6/],
];

describe('lguest', function () {
  for (const start of LGUEST_STARTS)
    for (const engine of ['translator', 'reference'] as const)
      it(`runs a guest of ${start} to its end (${engine})`, function () {
        const run = boot(lguestImage(this, start, tour(start), `${TEXT}${HELLO}${WORDS}`), engine);
        const stop = run.run();
        assert.equal(stop.description, 'The lguest guest powers off: "Power down".');
        assert.equal(stop.reason, 'shutdown');
        assert.equal(run.console(), start === '4.4' ? '' : 'hello from ring 1\n');
        assert.equal(run.word('seen_cs'), 0x61);
        // A write by the supervisor to a page that is not there.
        assert.deepEqual([run.word('fault_code'), run.word('fault_address')], [2, 0xd0000123]);
        assert.equal(run.word('fault_ip'), run.address('touch'));
        assert.equal(run.word('fault_flags') & 0x200, 0x200);
        assert.deepEqual(
          ['enabled_in_handler', 'enabled_after_fault', 'enabled_after_clock'].map((name) => run.word(name)),
          [0, 0x200, 0x200],
        );
        assert.equal(run.word('ticks'), 1);
        assert.equal(run.word('lguest_data', 8), 0xd0000123);
        const calls = run.calls();
        assert.equal(calls[0], 'LGUEST_INIT');
        assert.equal(calls.at(-1), isNew(start) ? 'SHUTDOWN' : 'CRASH');
        assert.ok(calls.includes('HALT') && calls.includes('LOAD_IDT_ENTRY'));
      });

  it('fills in lguest_data at LGUEST_INIT', function () {
    const offsets = {
      reserve: { '2.6.24': 0x454, '2.6.32': 0x558, '4.4': 0x558 },
      tsc: { '2.6.24': 0x458, '2.6.32': 0x55c, '4.4': 0x55c },
    };
    for (const start of ['2.6.24', '2.6.32', '4.4'] as const) {
      const run = guest(this, start, POWER_DOWN);
      run.run();
      assert.equal(run.word('lguest_data', offsets.reserve[start]), 0x400000);
      assert.equal(run.word('lguest_data', offsets.tsc[start]), 100_000);
      assert.ok(run.word('lguest_data', 0xc) > 1_000_000_000, 'seconds since 1970');
      if (start !== '4.4') assert.equal(run.word('lguest_data', start === '2.6.24' ? 0x45c : 0x560), MEMORY - 4096);
    }
  });

  it('writes INT 0x1f over the VMCALL of 2.6.32', function () {
    const run = guest(this, '2.6.32', POWER_DOWN);
    const at = run.address('startup_32') - 0xc0000000 + 10;
    assert.deepEqual([...run.machine.memory.read(at, 3)], [0x0f, 0x01, 0xc1]);
    run.run();
    assert.deepEqual([...run.machine.memory.read(at, 3)], [0xcd, 0x1f, 0x90]);
  });

  it('knows VMCALL for no other revision', function () {
    const run = guest(this, '2.6.24', '.byte 0x0f,0x01,0xc1');
    assert.match(run.run().description, /lguest killed the guest: unhandled trap 6 at 0xc01/);
  });

  it('runs the calls of the ring before the next call', function () {
    for (const [start, order] of [
      ['2.6.24', ['$17', '$0', '$0', '$text - 0xc0000000']],
      ['2.6.32', ['$17', '$text - 0xc0000000', '$0', '$0', '$0']],
    ] as const) {
      const ring = start === '2.6.24' ? 0x54 : 0x58;
      const status = start === '2.6.24' ? 0x14 : 0x18;
      const fill = order.map((value, n) => `movl ${value},lguest_data + ${ring + n * 4}`).join('\n');
      const run = guest(
        this,
        start,
        `${fill}\nmovb $0,lguest_data + ${status}\nhcall 0\n${POWER_DOWN}`,
        'text: .asciz "async"\n',
      );
      run.run();
      assert.equal(run.console(), 'async', start);
      assert.deepEqual(run.calls(), [
        'LGUEST_INIT',
        'NOTIFY',
        'FLUSH_ASYNC',
        start === '2.6.24' ? 'CRASH' : 'SHUTDOWN',
      ]);
      assert.equal(run.word('lguest_data', status) & 0xff, 0xff);
    }
  });

  it('records arguments by name and the message of the end', function () {
    const run = guest(this, '2.6.32', POWER_DOWN);
    run.run();
    const last = run.machine.hypercalls.records.at(-1);
    assert.deepEqual(
      last?.arguments.map(({ name, value, text }) => [name, value, text]),
      [
        ['message', BigInt(run.address('bye') - 0xc0000000), '"Power down"'],
        ['reason', 1n, undefined],
      ],
    );
    assert.ok(last.caller > 0xc0100000);
  });

  it('tells a crash from a power-off and a restart', function () {
    const end = (start: LguestStart, reason: number, text: string): string => {
      const body = `hcall 2, $text - 0xc0000000, $${reason}`;
      const { reason: stop, description } = guest(this, start, body, `text: .asciz "${text}"\n.skip 128\n`).run();
      return `${stop}: ${description}`;
    };
    assert.equal(
      end('2.6.24', 0, 'Attempted to kill init!'),
      'error: The lguest guest crashed: "Attempted to kill init!".',
    );
    assert.equal(end('2.6.32', 1, 'Oops'), 'error: The lguest guest crashed: "Oops".');
    assert.equal(end('2.6.32', 2, 'reboot'), 'shutdown: The lguest guest asks for a restart: "reboot".');
  });

  it('kills a guest for what lguest killed it for', function () {
    // One image for all: the word `selector` says what it does.
    for (const start of ['2.6.24', '2.6.32', '4.4'] as const) {
      const cases = DEADLY.filter(([revision]) => revision === start);
      const bodies = cases.map(([, body], n) => `case_${n}: ${body}`).join('\n');
      const table = cases.map((_, n) => `.long case_${n}`).join('\n');
      const image = lguestImage(
        this,
        start,
        `movl selector,%eax\n  jmp *table(,%eax,4)\n${bodies}`,
        `selector: .long 0\ntable: ${table}\n.skip 128\n`,
      );
      for (const [n, [, body, expected]] of cases.entries()) {
        const run = boot(image);
        run.machine.memory.write(run.address('selector') - 0xc0000000, Uint8Array.of(n));
        const stop = run.run();
        assert.match(stop.description, expected, body);
        assert.equal(stop.reason, 'error');
      }
    }
  });

  it('refuses a guest that does not begin with LGUEST_INIT, or with an impossible one', function () {
    const early = (replace: (source: string) => string): string => {
      const image = lguestImage(this, '2.6.24', POWER_DOWN, TEXT);
      const text = Buffer.from(image);
      const at = text.indexOf(Buffer.from([0xb8, 1, 0, 0, 0]));
      const operand = replace('') === 'number' ? at + 1 : at + 6;
      const run = boot(image);
      // What the CPU runs, after the image was recognised.
      const physical = 0x100000 + (operand - at);
      run.machine.memory.write(physical, Uint8Array.of(0xf0, 0xff, 0xff, 0x7f));
      return run.run().description;
    };
    assert.match(
      early(() => 'number'),
      /hypercall 2147483632 before INIT/,
    );
    assert.match(
      early(() => 'data'),
      /bad guest page 0x7ffffff0/,
    );
  });

  it('reads ports as all ones and lets writes go nowhere', function () {
    const body = `
      xorl %eax,%eax
      inl $0x60,%eax
      movl %eax,seen
      xorl %eax,%eax
      movw $0x3f8,%dx
      inb %dx,%al
      movl %eax,seen + 4
      movl $0x12340000,%eax
      inw %dx,%ax
      movl %eax,seen + 8
      outb %al,$0x80
      outl %eax,%dx
      ${POWER_DOWN}`;
    const run = guest(this, '2.6.24', body, 'seen: .long 0, 0, 0\n');
    assert.match(run.run().description, /powers off/);
    assert.deepEqual(
      [0, 4, 8].map((at) => run.word('seen', at)),
      [0xffffffff, 0xffff, 0xffffffff],
    );
  });

  it('goes through user mode: system calls directly, faults through the host, back by IRET', function () {
    const body = `
      set_gate 0x80, system_call, 0xef00
      set_gate 13, protection
      hcall 3, $gdt - 0xc0000000, $32
      hcall 7, $0x69, $kernel_stack, $1
      movl $0x200,irq_enabled
      pushl $0x7b
      pushl $user_stack
      pushl $0x202
      pushl $0x73
      pushl $user
      jmp lguest_iret
    user:
      movl %cs,%ecx
      int $0x80
      int $0x1f
    after: jmp .
    system_call:
      movl $0x69,%eax
      movl %eax,%ds
      movl %ecx,user_cs
      movl %esp,system_esp
      movl 8(%esp),%eax
      movl %eax,system_flags
      movl irq_enabled,%eax
      movl %eax,system_enabled
      iret
    protection:
      movl $0x69,%eax
      movl %eax,%ds
      popl protection_code
      ${POWER_DOWN}`;
    const descriptor = (low: number, high: number): string => `.long ${low}, ${high}\n`;
    const entries = Array.from({ length: 32 }, (_, n) =>
      n === 12
        ? descriptor(0xffff, 0xcf9a00)
        : n === 13
          ? descriptor(0xffff, 0xcf9200)
          : n === 14
            ? descriptor(0xffff, 0xcffa00)
            : n === 15
              ? descriptor(0xffff, 0xcff200)
              : descriptor(0, 0),
    );
    const names = ['user_cs', 'system_esp', 'system_flags', 'system_enabled', 'protection_code'];
    const data = `gdt: ${entries.join('')}\n.skip 256\nuser_stack: .skip 256\nkernel_stack:\n${names.map((name) => `${name}: .long 0\n`).join('')}`;
    const run = guest(this, '2.6.24', body, data);
    assert.match(run.run().description, /powers off/);
    assert.equal(run.word('user_cs'), 0x73);
    assert.equal(run.word('system_esp'), run.address('kernel_stack') - 20);
    assert.equal(run.word('system_flags') & 0x200, 0x200, 'the real EFLAGS');
    assert.equal(run.word('system_enabled'), 0x200, 'a trap gate changes nothing');
    // #GP for INT 0x1f from user mode: its gate, in the IDT.
    assert.equal(run.word('protection_code'), 0x1f * 8 + 2);
  });

  it('shows #NM to the guest while TS is set', function () {
    const body = `
      set_gate 7, not_available
      hcall 8, $1
      fninit
      ${POWER_DOWN}
    not_available:
      incl seen
      hcall 8, $0
      jmp lguest_iret`;
    const run = guest(this, '2.6.24', body, 'seen: .long 0\n');
    assert.match(run.run().description, /powers off/);
    assert.equal(run.word('seen'), 1);
  });

  it('takes over a page that was mapped without a hypercall, and forgets one at SET_PTE', function () {
    // The first PTE of a table that PAGE_OFFSET + 64 MiB gets by a plain write to the directory.
    const body = `
      movl lguest_data + 0x45c,%ebp
      movl $new_table - 0xc0000000 + 0x67,0xc0000000 + (0xc4000000 >> 22) * 4(%ebp)
      movl 0xc4000000,%eax
      movl %eax,seen
      movl $0x103067,new_table
      hcall 14, %ebp, $0xc4000000, $0x103067
      movl 0xc4000004,%eax
      movl %eax,seen + 4
      movl new_table,%eax
      movl %eax,seen + 8
      ${POWER_DOWN}`;
    const run = guest(
      this,
      '2.6.24',
      body,
      'seen: .long 0, 0, 0\n.balign 4096\nnew_table: .long 0x100007\n.skip 4092\n',
    );
    assert.match(run.run().description, /powers off/);
    assert.equal(run.word('seen'), run.machine.memory.read32(0x100000));
    assert.equal(run.word('seen', 4), run.machine.memory.read32(0x103004));
  });

  it('keeps interrupts out where the guest asked for it', function () {
    // Spins with interrupts enabled inside the range, then leaves it.
    const body = `
      set_gate 32, clock
      movl $0x200,irq_enabled
      hcall 9, $1000
      jmp inside
    outside:
      movl ticks,%eax
      movl %eax,ticks_outside
      movl $1000000,%ecx
    1: loop 1b
      ${POWER_DOWN}
    clock:
      incl ticks
      jmp lguest_iret`;
    const data = 'ticks: .long 0\nticks_outside: .long 7\n';
    const image = lguestImage(this, '2.6.24', body.replace('jmp inside', 'jmp noirq_spin'), `${TEXT}${data}`);
    const run = boot(image);
    const stop = run.run(10_000_000);
    assert.match(stop.description, /powers off/);
    assert.equal(run.word('ticks_outside'), 0);
    assert.equal(run.word('ticks'), 1);
  });

  it("gives a guest no memory of the machine: the top 4 MiB are the host's, read-only", function () {
    const body = `
      movl 0xffc02000 + 0x800 + 12 * 8 + 4,%eax
      movl %eax,seen
      set_gate 14, page_fault
      movl %eax,0xffc02800
    page_fault:
      popl seen + 4
      ${POWER_DOWN}`;
    const run = guest(this, '2.6.24', body, 'seen: .long 0, 0\n');
    assert.match(run.run().description, /powers off/);
    assert.equal(run.word('seen'), 0x00cfbb00);
    assert.equal(run.word('seen', 4), 3);
  });

  it('goes on from a snapshot as if there had been none', function () {
    const image = lguestImage(this, '2.6.24', tour('2.6.24'), `${TEXT}${HELLO}${WORDS}`);
    const whole = boot(image);
    whole.run();
    const other = boot(image);
    for (let cut = 1; cut < 200; cut += 7) {
      const run = boot(image);
      run.run(cut);
      other.machine.restore(run.machine.save());
      other.run();
      assert.equal(other.machine.instructions, whole.machine.instructions, `cut at ${cut}`);
      assert.equal(other.word('ticks'), 1);
    }
  });
});
