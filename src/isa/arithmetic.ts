import { describe, type Description, type Instruction, REGISTER } from './instruction.ts';
import { select, type OperandSize } from './value.ts';

type Binary = (instruction: Instruction<OperandSize>) => void;

const logic =
  (operator: 'and' | 'or' | 'xor'): Binary =>
  (i) => {
    const result = i.destination.read()[operator](i.source.read());
    i.destination.write(result);
    i.flags('logic', result, undefined, result);
  };

/** Addition, subtraction, comparison and logic. */
export const ARITHMETIC: readonly Description[] = [
  describe('Add', (i) => {
    const a = i.destination.read();
    const b = i.source.read();
    const result = a.add(b);
    i.destination.write(result);
    i.flags('add', a, b, result);
  }),
  describe('Adc', (i) => {
    const a = i.destination.read();
    const b = i.source.read();
    const result = a.add(b).add(i.flag('c').zeroExtend(i.width));
    i.destination.write(result);
    i.flags('adc', a, b, result);
  }),
  describe('Sub', (i) => {
    const a = i.destination.read();
    const b = i.source.read();
    const result = a.sub(b);
    i.destination.write(result);
    i.flags('sub', a, b, result);
  }),
  describe('Sbb', (i) => {
    const a = i.destination.read();
    const b = i.source.read();
    const result = a.sub(b).sub(i.flag('c').zeroExtend(i.width));
    i.destination.write(result);
    i.flags('sbb', a, b, result);
  }),
  describe('Cmp', (i) => {
    const a = i.destination.read();
    const b = i.source.read();
    i.flags('sub', a, b, a.sub(b));
  }),
  describe('Inc', (i) => {
    const result = i.destination.read().add(1);
    i.destination.write(result);
    i.flags('inc', result, i.flag('c').zeroExtend(i.width), result);
  }),
  describe('Dec', (i) => {
    const result = i.destination.read().sub(1);
    i.destination.write(result);
    i.flags('dec', result, i.flag('c').zeroExtend(i.width), result);
  }),
  describe('Neg', (i) => {
    const a = i.destination.read();
    const result = a.negate();
    i.destination.write(result);
    i.flags('sub', a.like(0), a, result);
  }),
  describe('And', logic('and')),
  describe('Or', logic('or')),
  describe('Xor', logic('xor')),
  describe('Not', (i) => i.destination.write(i.destination.read().not())),
  describe('Test', (i) => {
    const result = i.destination.read().and(i.source.read());
    i.flags('logic', result, undefined, result);
  }),
  describe('Xadd', (i) => {
    const a = i.destination.read();
    const b = i.source.read();
    const sum = a.add(b);
    i.source.write(a);
    i.destination.write(sum);
    i.flags('add', a, b, sum);
  }),
  describe('Cmpxchg', (i) => {
    const accumulator = i.register(REGISTER.ax, i.width);
    const old = i.destination.read();
    const equal = accumulator.eq(old);
    i.setRegister(REGISTER.ax, select(equal, accumulator, old));
    i.destination.write(select(equal, i.source.read(), old));
    i.flags('sub', accumulator, old, accumulator.sub(old));
  }),
];
