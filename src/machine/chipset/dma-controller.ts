import { hex } from '../../util/hex.ts';
import type { Device, DeviceState, ReportGap } from '../device.ts';

/** Registers 8 to 15 of a chip (Intel 8237A, "Register Description"); 0 to 7 are address and count of its channels. */
const REGISTER = {
  command: 8,
  request: 9,
  singleMask: 10,
  mode: 11,
  clearPointer: 12,
  reset: 13,
  clearMask: 14,
  mask: 15,
};
const ALL_MASKED = 0x0f;
/** The POST port lies among the page registers and is not one. */
const PAGE_PORTS = { first: 0x81, last: 0x8f } as const;
const SECOND_CHIP = 0xc0;

type ChipState = {
  command: number;
  mask: number;
  modes: number[];
  /** Address and count of the four channels, 16 bits each, as last written. */
  words: number[];
  /** First/last flip-flop: the next byte is the high one. */
  high: boolean;
};

/**
 * The two 8237A of the PC and their page registers. Kernels mask and reset them; no device of this machine asks for a transfer, so
 * that the registers keep what was written and nothing moves. A transfer that software requests is reported.
 */
export class DmaController implements Device {
  readonly name = '8237A DMA controllers';
  readonly ports = [{ first: 0x00, last: 0x0f }, PAGE_PORTS, { first: SECOND_CHIP, last: 0xdf }];
  private readonly report: ReportGap;
  private chips: [ChipState, ChipState] = [reset(), reset()];
  private pages = new Array<number>(16).fill(0);

  constructor(report: ReportGap) {
    this.report = report;
  }

  portRead(port: number): number {
    if (isPage(port)) return this.pages[port & 15] ?? 0;
    const { chip, register } = this.select(port);
    // Status and temporary register: no channel has finished, none asks. The others cannot be read.
    if (register >= REGISTER.command) return 0;
    const word = chip.words[register] ?? 0;
    const value = chip.high ? word >> 8 : word & 0xff;
    chip.high = !chip.high;
    return value;
  }

  portWrite(port: number, _width: number, value: number): void {
    if (isPage(port)) {
      this.pages[port & 15] = value;
      return;
    }
    const { chip, register } = this.select(port);
    const channel = value & 3;
    switch (register) {
      case REGISTER.command:
        chip.command = value;
        break;
      case REGISTER.request:
        if (value & 4) this.reportTransfer(channel, port);
        break;
      case REGISTER.singleMask:
        chip.mask = value & 4 ? chip.mask | (1 << channel) : chip.mask & ~(1 << channel);
        break;
      case REGISTER.mode:
        chip.modes[channel] = value & 0xfc;
        break;
      case REGISTER.clearPointer:
        chip.high = false;
        break;
      case REGISTER.reset:
        // Master clear: as after a reset, but address and count stay.
        Object.assign(chip, { ...reset(), words: chip.words, modes: chip.modes });
        break;
      case REGISTER.clearMask:
        chip.mask = 0;
        break;
      case REGISTER.mask:
        chip.mask = value & ALL_MASKED;
        break;
      default: {
        const word = chip.words[register] ?? 0;
        chip.words[register] = chip.high ? (word & 0x00ff) | (value << 8) : (word & 0xff00) | value;
        chip.high = !chip.high;
      }
    }
  }

  save(): DeviceState {
    return structuredClone({ chips: this.chips, pages: this.pages });
  }

  restore(state: DeviceState): void {
    const saved = structuredClone(state) as { chips: [ChipState, ChipState]; pages: number[] };
    this.chips = saved.chips;
    this.pages = saved.pages;
  }

  private reportTransfer(channel: number, port: number): void {
    const number = channel + (port < SECOND_CHIP ? 0 : 4);
    this.report(`DMA transfer requested on channel ${number} by port ${hex(port, 2)}: no device moves data`);
  }

  /** The second chip hangs on 16-bit lines: its registers are two ports apart. */
  private select(port: number): { readonly chip: ChipState; readonly register: number } {
    const [first, second] = this.chips;
    return port < SECOND_CHIP ? { chip: first, register: port } : { chip: second, register: (port - SECOND_CHIP) >> 1 };
  }
}

function isPage(port: number): boolean {
  return port >= PAGE_PORTS.first && port <= PAGE_PORTS.last;
}

function reset(): ChipState {
  return { command: 0, mask: ALL_MASKED, modes: [0, 0, 0, 0], words: new Array<number>(8).fill(0), high: false };
}
