import assert from 'node:assert/strict';
import type { EngineName } from '../../src/cpu/cpu.ts';
import { tickOfCycle, TICKS_PER_SECOND } from '../../src/machine/clock.ts';
import { TIMER_FREQUENCY } from '../../src/machine/timers/interval-timer.ts';
import { Machine } from '../../src/machine/machine.ts';
import { requireTool } from '../support/tools.ts';
import { assemble, GUEST_BASE, machineWith, MACROS, type GuestOptions } from './guest.ts';

const UNLIMITED = { maxInstructions: 10_000_000 };

/** Three timer ticks of 10 ms with HLT between them, then debug exit with their number. */
const TIMER_GUEST = `${MACROS}
start:
  setup
  gate 0x20, timer
  remap 0xfe, 0xff
  outb 0x43, 0x34
  outb 0x40, 0x9c
  outb 0x40, 0x2e
  xor ecx, ecx
wait_tick:
  sti
  hlt
  cmp ecx, 3
  jb wait_tick
  mov al, cl
  out 0xf4, al
  hlt
timer:
  inc ecx
  rdtsc
  mov [0x120000 + ecx * 4], eax
  outb 0x20, 0x20
  iret
`;

/** Echoes COM1 by interrupt until a full stop. */
const ECHO_GUEST = `${MACROS}
start:
  setup
  gate 0x24, serial
  remap 0xef, 0xff
  mov dx, 0x3fc
  outb dx, 0x0b
  mov dx, 0x3f9
  outb dx, 0x01
idle:
  sti
  hlt
  jmp idle
serial:
  mov dx, 0x3f8
  in al, dx
  out dx, al
  cmp al, '.'
  jne done
  outb 0xf4, 0
done:
  outb 0x20, 0x20
  iret
`;

/** Stores scan codes by interrupt at 0x120000; EBX counts them. */
const KEYBOARD_GUEST = `${MACROS}
start:
  setup
  gate 0x21, keyboard
  remap 0xfd, 0xff
  xor ebx, ebx
idle:
  sti
  hlt
  jmp idle
keyboard:
  in al, 0x60
  mov [0x120000 + ebx], al
  inc ebx
  outb 0x20, 0x20
  iret
`;

for (const engine of ['translator', 'interpreter', 'reference'] as const satisfies readonly EngineName[]) {
  describe(`machine (${engine})`, () => {
    before(function () {
      requireTool(this, 'nasm');
    });

    const boot = (source: string, options: GuestOptions = {}): Machine =>
      machineWith(assemble(source), { engine, ...options });

    it('takes timer interrupts at their exact ticks, idle in between', () => {
      const machine = boot(TIMER_GUEST);
      const stop = machine.run(UNLIMITED);
      assert.equal(stop.reason, 'debug-exit');
      assert.equal(stop.exitCode, 7);
      assert.ok(machine.instructions < 300);
      // The count is loaded with the cycle after its last byte; each handler starts at the tick of its edge and reads the
      // clock after one instruction and the delivery.
      const times = [1, 2, 3].map((index) => machine.memory.read32(0x120000 + index * 4));
      const [first = 0, second = 0, third = 0] = times;
      const loaded = Math.round((first * TIMER_FREQUENCY) / 1e8) - 11_932;
      assert.deepEqual(
        times.map((time, index) => time - tickOfCycle(loaded + (index + 1) * 11_932, TIMER_FREQUENCY)),
        [1, 1, 1],
      );
      assert.ok(Math.abs(second - first - 1_000_015) <= 1 && Math.abs(third - second - 1_000_015) <= 1);
      assert.equal(machine.ticks > third, true);
    });

    it('echoes serial input by interrupt', () => {
      const machine = boot(ECHO_GUEST);
      const sent: number[] = [];
      machine.devices.serial.onTransmit.on((byte) => sent.push(byte));
      machine.receiveSerial(new TextEncoder().encode('Hello.'));
      const stop = machine.run(UNLIMITED);
      assert.equal(new TextDecoder().decode(Uint8Array.from(sent)), 'Hello.');
      assert.equal(stop.reason, 'debug-exit');
      assert.equal(stop.exitCode, 1);
    });

    it('gets typed text as scan codes', () => {
      const machine = boot(KEYBOARD_GUEST);
      machine.typeText('aA');
      machine.pressKey('ArrowUp');
      const stop = machine.run(UNLIMITED);
      assert.equal(stop.reason, 'halt');
      assert.deepEqual(
        [...machine.memory.read(0x120000, machine.cpu.state.register32(3))],
        [0x1e, 0x9e, 0x2a, 0x1e, 0x9e, 0xaa, 0xe0, 0x48, 0xe0, 0xc8],
      );
    });

    it('is the same machine however the run is cut', () => {
      const whole = boot(TIMER_GUEST);
      whole.run(UNLIMITED);
      for (const step of [1, 7]) {
        const cut = boot(TIMER_GUEST);
        while (cut.run({ maxInstructions: step }).reason === 'max-instructions');
        assert.equal(cut.instructions, whole.instructions);
        assert.equal(cut.ticks, whole.ticks);
        assert.deepEqual(cut.memory.bytes, whole.memory.bytes);
      }
      const sliced = boot(TIMER_GUEST);
      let idle = 0;
      for (;;) {
        const stop = sliced.run({ ...UNLIMITED, slice: 5 });
        if (stop.reason !== 'yield') break;
        if (stop.idle) idle++;
      }
      assert.equal(sliced.ticks, whole.ticks);
      assert.deepEqual(sliced.memory.bytes, whole.memory.bytes);
      assert.ok(idle >= 3);
    });

    it('runs exactly as many instructions as asked', () => {
      const machine = boot('top: inc eax\njmp top');
      assert.deepEqual(machine.run({ maxInstructions: 1 }), {
        reason: 'max-instructions',
        description: '1 instruction has run.',
      });
      assert.equal(machine.cpu.state.ip, GUEST_BASE + 1);
      assert.equal(machine.run({ maxInstructions: 99_999 }).description, '99,999 instructions have run.');
      assert.equal(machine.instructions, 100_000);
      assert.equal(machine.ticks, 100_000);
      assert.equal(machine.cpu.state.register32(0), 50_000);
      machine.run({ maxInstructions: 0 });
      assert.equal(machine.instructions, 100_000);
    });

    it('stops before breakpoints, not at the one it stands on, and never passes one in a sliced run', () => {
      const machine = boot('mov ecx, 1000\ntop: nop\ndec ecx\njnz top\nhlt');
      const top = GUEST_BASE + 5;
      machine.setBreakpoints([top]);
      assert.deepEqual(machine.run(UNLIMITED), { reason: 'breakpoint', description: 'Breakpoint at 0x00100005.' });
      assert.equal(machine.instructions, 1);
      let hits = 1;
      for (;;) {
        const stop = machine.run({ ...UNLIMITED, slice: 3 });
        if (stop.reason === 'breakpoint') hits++;
        else if (stop.reason !== 'yield') break;
      }
      assert.equal(hits, 1000);
      const unstopped = boot('mov ecx, 1000\ntop: nop\ndec ecx\njnz top\nhlt');
      unstopped.setBreakpoints([top]);
      assert.equal(unstopped.run({ ...UNLIMITED, breakpoints: false }).reason, 'halt');
    });

    it('halts for good with interrupts off', () => {
      const machine = boot('nop\nhlt\nnop');
      assert.deepEqual(machine.run(UNLIMITED), {
        reason: 'halt',
        description: 'Halted with interrupts off at 0x00100001: only an NMI or a reset would wake it.',
      });
      assert.equal(machine.run(UNLIMITED).reason, 'halt');
      assert.equal(machine.instructions, 2);
    });

    it('halts for good when everything is masked, though the timer runs', () => {
      const machine = boot(`${MACROS}\nstart: setup\nremap 0xff, 0xff\nsti\nhlt`);
      const stop = machine.run(UNLIMITED);
      assert.equal(stop.reason, 'halt');
      assert.match(stop.description, /^Halted at 0x001000[0-9a-f]{2} with interrupts on, but no device will raise/);
    });

    it('does not wait for an alarm of the clock that is hours away and masked', () => {
      // 05:00:00 by the alarm registers; IRQ 8 is masked, the timer runs at 1 kHz and is masked too.
      const machine = boot(`${MACROS}
start: setup
remap 0xff, 0xff
outb 0x43, 0x34
outb 0x40, 0xa9
outb 0x40, 0x04
outb 0x70, 0x05
outb 0x71, 0x05
outb 0x70, 0x0b
outb 0x71, 0x22
sti
hlt`);
      assert.equal(machine.run(UNLIMITED).reason, 'halt');
      assert.ok(machine.ticks < 100_000_000, machine.ticks.toString());
    });

    it('waits for the host where it watches and a key could wake the guest', () => {
      const machine = boot(KEYBOARD_GUEST);
      for (let turn = 0; turn < 50; turn++) {
        const stop = machine.run({ ...UNLIMITED, slice: 10_000 });
        assert.deepEqual([stop.reason, stop.idle], ['yield', turn > 0 || stop.idle]);
      }
      machine.pressKey('a');
      for (let turn = 0; turn < 50; turn++) machine.run({ ...UNLIMITED, slice: 1000 });
      assert.equal(machine.cpu.state.register32(3), 2);
    });

    it('finds the interrupts where the firmware left them: an early timer tick comes at vector 8', () => {
      const machine = boot(`${MACROS}\nstart: setup\ngate 8, handler\nsti\nhlt\nhandler: outb 0xf4, 8`);
      assert.equal(machine.run(UNLIMITED).exitCode, 17);
      // 18.2 Hz: the first tick after 65536 cycles.
      assert.ok(machine.ticks >= tickOfCycle(65_537, TIMER_FREQUENCY));
    });

    it('holds an interrupt back for one instruction after STI', () => {
      const machine = boot(`${MACROS}
start:
  setup
  gate 0x24, serial
  remap 0xef, 0xff
  mov dx, 0x3fc
  outb dx, 0x0b
  mov dx, 0x3f9
  outb dx, 0x02
  xor ebx, ebx
  sti
  inc ebx
  inc ebx
serial:
  mov al, bl
  out 0xf4, al`);
      assert.equal(machine.run(UNLIMITED).exitCode, 3);
    });

    it('tells a triple fault with its first fault and its chain, and stays there', () => {
      const machine = boot('nop\nlidt [empty]\nud2\nempty: dw 0\ndd 0');
      const stop = machine.run(UNLIMITED);
      assert.equal(stop.reason, 'triple-fault');
      assert.match(
        stop.description,
        /^Triple fault at 0x00100008: neither #UD \(.+\) nor the double fault could be delivered: .+\.$/,
      );
      assert.deepEqual(machine.faults, stop.chain);
      assert.deepEqual(
        stop.chain?.map((fault) => [fault.vector, fault.cs, fault.ip, fault.instruction, fault.during]),
        [
          [6, 8, 0x100008, 2, undefined],
          // #UD is benign: the #GP is delivered in its own right, and only the #GP of that makes the double fault (SDM 3, table 6-5).
          [13, 8, 0x100008, 2, 'delivering #UD'],
          [8, 8, 0x100008, 2, 'delivering #GP(0x33)'],
          [13, 8, 0x100008, 2, 'delivering #DF(0)'],
        ],
      );
      assert.deepEqual(
        machine.faults.map((fault) => fault.vector),
        [6, 13, 8, 13],
      );
      assert.equal(machine.cpu.state.ip, 0x100008);
      assert.equal(machine.run(UNLIMITED), stop);
    });

    it('records delivered exceptions, the last 256 of them', () => {
      const machine = boot(`${MACROS}
start:
  setup
  gate 6, skip
  mov ecx, 300
top:
  ud2
  dec ecx
  jnz top
  hlt
skip:
  add dword [esp], 2
  iret`);
      let seen = 0;
      machine.onFault.on(() => seen++);
      machine.run(UNLIMITED);
      assert.equal(seen, 300);
      assert.equal(machine.faults.length, 256);
      assert.equal(machine.faults[255]?.vector, 6);
    });

    it('sends at the rate of COM1 and skips the time in which the guest polls for it', () => {
      const machine = boot(`${MACROS}
start:
  mov dx, 0x3fb
  outb dx, 0x83
  mov dx, 0x3f8
  outb dx, 0x01
  mov dx, 0x3fb
  outb dx, 0x03
  mov ecx, 100
next:
  mov dx, 0x3fd
busy:
  in al, dx
  test al, 0x20
  jz busy
  mov dx, 0x3f8
  outb dx, cl
  loop next
  mov dx, 0x3fd
drain:
  in al, dx
  test al, 0x40
  jz drain
  hlt`);
      const stop = machine.run(UNLIMITED);
      assert.equal(stop.reason, 'halt');
      // 100 frames of ten bits at 115200 bits a second are 868056 ticks; the tick of each poll is no later than the end it waits for.
      assert.ok(machine.ticks >= 868_000 && machine.ticks < 869_500, `${machine.ticks} ticks`);
      assert.ok(machine.instructions < 2500, `${machine.instructions} instructions`);
    });

    it('tells the bytes of what is no instruction', () => {
      const machine = boot('nop\ndb 0x0f, 0x01, 0xc1');
      const stop = machine.run(UNLIMITED);
      assert.match(stop.description, /^Triple fault at 0x00100001: .*#UD \(VMCALL needs VMX, .*, bytes 0f 01 c1\)/);
      assert.equal(machine.instructions, 1);
    });

    it('stops at what it does not have, with its name and address', () => {
      // IA32_PERFEVTSEL0 enabled at every level (SDM 3, 18.2.1.1).
      const machine = boot('mov ecx, 0x186\nmov eax, 0x00430000\nxor edx, edx\nwrmsr', { cpu: 'pentium-pro' });
      const stop = machine.run(UNLIMITED);
      assert.equal(stop.reason, 'unimplemented', stop.description);
      assert.match(
        stop.description,
        /^At 0x0010000c the guest needs what this machine does not have: performance counters \(MSR 0x186/,
      );
      assert.equal(machine.instructions, 3);
    });

    it('ends with a reset through each of its three ports', () => {
      const resets: readonly (readonly [string, string])[] = [
        ['outb 0x64, 0xfe', 'The guest asked for a reset through the keyboard controller at 0x00100002.'],
        ['outb 0x92, 0x03', 'The guest asked for a reset through port 0x92 at 0x00100002.'],
        ['mov dx, 0xcf9\noutb dx, 0x06', 'The guest asked for a reset through port 0xcf9 at 0x00100006.'],
      ];
      const macro = '%macro outb 2\nmov al, %2\nout %1, al\n%endmacro\n';
      for (const [source, description] of resets) {
        const machine = boot(`${macro}${source}\nhlt`);
        const stop = machine.run(UNLIMITED);
        assert.deepEqual(stop, { reason: 'shutdown', description });
        assert.equal(machine.run(UNLIMITED), stop);
      }
    });

    it('prints through port 0xe9 and exits through 0xf4', () => {
      const machine = boot("mov al, 'o'\nout 0xe9, al\nmov al, 'k'\nout 0xe9, al\nmov al, 0x10\nout 0xf4, al\nhlt");
      let text = '';
      machine.console.on((character) => (text += character));
      assert.deepEqual(machine.run(UNLIMITED), {
        reason: 'debug-exit',
        description: 'The guest wrote 0x10 to the debug exit port 0xf4 at 0x0010000a: exit code 33.',
        exitCode: 33,
      });
      assert.equal(text, 'ok');
    });

    it('draws what the guest writes to 0xb8000', () => {
      const machine = boot('mov word [0xb8000], 0x0f41\nmov word [0xb8002], 0x1fb0\nhlt');
      machine.run(UNLIMITED);
      const screen = machine.screen();
      assert.equal(screen.characters[0]?.slice(0, 3), 'A░ ');
      assert.deepEqual([...screen.attributes.subarray(0, 2)], [0x0f, 0x1f]);
    });

    it('lists what nobody answers', () => {
      const machine = boot('in al, 0xee\nmov eax, [0xfef00020]\nhlt');
      machine.run(UNLIMITED);
      assert.deepEqual(machine.unclaimed, [
        { space: 'port', description: 'read of port 0xee (8 bits)', count: 1, at: '0x00100000' },
        { space: 'memory', description: 'read of 32 bits at phys:0xfef00020', count: 1, at: '0x00100002' },
      ]);
      assert.equal(machine.cpu.state.register32(0), 0xffffffff);
    });

    it('has one A20 gate behind port 0x92 and the 8042: closed, 0x100500 is 0x500', () => {
      const code = `
        mov byte [0x500], 0x55
        mov byte [0x100500], 0xaa
        mov al, 0
        out 0x92, al
        mov bl, [0x100500]
        in al, 0x92
        mov cl, al
        mov al, 0xdf
        out 0x64, al
        mov bh, [0x100500]
        in al, 0x92
        mov ch, al
        hlt`;
      const machine = machineWith(assemble(code), { engine, entry: 0x8000 });
      // With the gate closed code above 1 MiB would not be found.
      machine.memory.write(0x8000, assemble(code));
      machine.run(UNLIMITED);
      assert.equal(machine.cpu.state.register32(3), 0xaa55);
      assert.equal(machine.cpu.state.register32(1), 0x0200);
    });

    it('wakes by the alarm of the clock, minutes later, and by the mouse', () => {
      const machine = boot(`${MACROS}
start:
  setup
  gate 0x28, clock
  gate 0x2c, mouse
  remap 0xfb, 0xee
  outb 0x64, 0xd4
  outb 0x60, 0xf4
  in al, 0x60
  outb 0x64, 0x60
  outb 0x60, 0x03
  outb 0x70, 0x03
  outb 0x71, 0x05
  outb 0x70, 0x0b
  outb 0x71, 0x22
  xor ebx, ebx
idle:
  sti
  hlt
  jmp idle
clock:
  outb 0x70, 0x0c
  in al, 0x71
  out 0xf4, al
mouse:
  in al, 0x60
  mov [0x120010 + ebx], al
  inc ebx
  outb 0xa0, 0x20
  outb 0x20, 0x20
  iret`);
      while (machine.run({ ...UNLIMITED, slice: 1000 }).idle !== true);
      machine.moveMouse(3, -2);
      const stop = machine.run({ maxInstructions: 1000 });
      // Register C: interrupt request, alarm and update ended; the periodic flag rises too.
      assert.equal(stop.exitCode, (0xf0 << 1) | 1);
      assert.equal(machine.ticks - (machine.ticks % TICKS_PER_SECOND), 5 * 60 * TICKS_PER_SECOND);
      assert.deepEqual([...machine.memory.read(0x120010, 3)], [0x08, 0x03, 0x02]);
    });

    it('runs code that the host has changed', () => {
      const machine = boot('top: inc eax\njmp top');
      machine.run({ maxInstructions: 100 });
      machine.memory.write(GUEST_BASE, Uint8Array.of(0xf4));
      assert.equal(machine.run(UNLIMITED).reason, 'halt');
    });
  });
}

describe('machine', () => {
  it('has at least 1 MiB and at most 3 GiB of memory, in steps of 64 KiB', () => {
    for (const memory of [0, 0xf0000, 0x100001, 0xc0010000, NaN])
      assert.throws(() => new Machine({ memory }), { code: 'memory-size', blame: 'user' });
    assert.equal(new Machine({ memory: 0x110000 }).memory.size, 0x110000);
  });

  it('refuses text that the keyboard does not have', () => {
    const machine = new Machine({ memory: 0x100000 });
    assert.throws(() => machine.typeText('ok é'), { code: 'no-such-key' });
    assert.equal(machine.devices.keyboard.nextEvent(), Infinity);
    assert.throws(() => machine.pressKey('Any'), { code: 'no-such-key' });
  });
});
