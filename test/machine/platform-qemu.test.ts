import assert from 'node:assert/strict';
import { hex } from '../../src/util/hex.ts';
import { requireTool } from '../support/tools.ts';
import { qemuImage, underOurs, underQemu } from './beside-qemu.ts';

/** Prints EAX, lowest byte first. `label` is of this place alone; %% makes one of a macro. */
function print(label: string): string {
  return `
  mov ecx, 4
${label}:
  out 0xe9, al
  shr eax, 8
  loop ${label}`;
}

const MACROS = `
%macro memory 1
  mov eax, [%1]
  ${print('%%next')}
%endmacro
%macro indexed 1
  mov dword [0xfec00000], %1
  mov eax, [0xfec00010]
  ${print('%%next')}
%endmacro
%macro select 1
  mov eax, %1
  mov edx, 0xcf8
  out dx, eax
  mov edx, 0xcfc
%endmacro
%macro pci 1
  select %1
  in eax, dx
  ${print('%%next')}
%endmacro
%macro input 1
  mov edx, %1
  in eax, dx
  ${print('%%next')}
%endmacro
%macro output 2
  mov edx, %1
  mov eax, %2
  out dx, eax
%endmacro
`;

/** Compares double words by what names them. `except` says what differs and has a reason. */
function compare(names: readonly string[], source: string, except: readonly string[] = []): void {
  const image = qemuImage(`${MACROS}\n${source}`);
  const words = (bytes: readonly number[]): string[] => {
    const view = new DataView(Uint8Array.from(bytes).buffer);
    return names.flatMap((name, index) =>
      except.includes(name) ? [] : [`${name}: ${hex(view.getUint32(index * 4, true), 8)}`],
    );
  };
  assert.deepEqual(words(underOurs(image)), words(underQemu(image)));
}

function range(first: number, last: number, step: number): number[] {
  return Array.from({ length: (last - first) / step + 1 }, (_, index) => first + index * step);
}

function dump(macro: string, addresses: readonly number[], except: readonly number[] = []): void {
  compare(
    addresses.map((address) => hex(address)),
    addresses.map((address) => `${macro} ${address}`).join('\n'),
    except.map((address) => hex(address)),
  );
}

const configuration = (place: number, except: readonly number[]): void => {
  const base = 0x80000000 + place * 0x100;
  dump(
    'pci',
    range(base, base + 0xfc, 4),
    except.map((offset) => base + offset),
  );
};

describe('platform devices beside QEMU', function () {
  this.timeout(60_000);

  before(function () {
    requireTool(this, 'nasm');
    requireTool(this, 'qemu-system-i386');
  });

  // QEMU adds a subsystem ID that the chip does not have. RAM behind PAM cannot be switched here, there is no SMRAM and no DRAM row table.
  it('host bridge', () => {
    configuration(0x00, [0x2c, 0x54, 0x58, 0x5c, 0x70]);
  });

  it('ISA bridge', () => {
    configuration(0x08, [0x2c]);
  });

  // There is no SMBus; the serial ports are not told by the device activity registers.
  it('power management function', () => {
    configuration(0x0b, [0x2c, 0x58, 0x5c, 0x60, 0x64, 0x90, 0xd0]);
  });

  it('a function that is not there, another bus, the address register, no BAR', () => {
    compare(
      ['absent function', 'absent device', 'absent bus', 'address', 'not enabled', 'BAR', 'bytes'],
      `
  pci 0x80000f00
  pci 0x8000f800
  pci 0x80010000
  output 0xcf8, 0x80000804
  input 0xcf8
  pci 0x00000000
  select 0x80000b10
  mov eax, -1
  out dx, eax
  in eax, dx
  ${print('bar_next')}
  select 0x80000808
  mov edx, 0xcfe
  in al, dx
  shl eax, 16
  mov ax, dx
  mov edx, 0xcfd
  in al, dx
  ${print('bytes_next')}`,
    );
  });

  it('local APIC as the firmware leaves it', () => {
    // ESR keeps an error of the firmware, ICR its start-up of other processors.
    dump('memory', range(0xfee00020, 0xfee003e0, 16).filter(defined), [0xfee00280, 0xfee00300]);
  });

  it('local APIC: writable bits', () => {
    const registers = [0x20, 0x80, 0xd0, 0xe0, 0x330, 0x340, 0x350, 0x360, 0x370, 0x3e0];
    compare(
      registers.map((register) => hex(register)),
      registers
        .map((register) => `mov dword [${0xfee00000 + register}], 0x000000f3\nmemory ${0xfee00000 + register}`)
        .join('\n'),
    );
  });

  it("I/O APIC: entries; its version is the 82093AA's here", () => {
    dump('indexed', [0, 2, ...range(0x10, 0x3f, 1)]);
    compare(
      ['entry low', 'entry high'],
      `
  mov dword [0xfec00000], 0x20
  mov dword [0xfec00010], 0x0001ffff
  indexed 0x20
  mov dword [0xfec00000], 0x21
  mov dword [0xfec00010], 0x0f000000
  indexed 0x21`,
    );
  });

  it('ACPI registers as the firmware leaves them, and SCI_EN by the SMI command', () => {
    compare(
      ['status and enable', 'control', 'enabled', 'enable bits', 'disabled'],
      `
  input 0x600
  input 0x604
  mov al, 0xf1
  out 0xb2, al
  mov edx, 0x604
  movzx eax, ax
  in ax, dx
  ${print('enabled_next')}
  mov ax, 0x0521
  mov edx, 0x602
  out dx, ax
  xor eax, eax
  in ax, dx
  ${print('bits_next')}
  mov al, 0xf0
  out 0xb2, al
  mov edx, 0x604
  movzx eax, ax
  in ax, dx
  ${print('disabled_next')}`,
    );
  });
});

/** Registers that a local APIC of this version has. */
function defined(address: number): boolean {
  const offset = address & 0xfff;
  const absent =
    (offset >= 0x40 && offset <= 0x70) || (offset >= 0x290 && offset <= 0x2f0) || (offset >= 0x3a0 && offset <= 0x3d0);
  return !absent && ![0x90, 0xb0, 0xc0].includes(offset);
}
