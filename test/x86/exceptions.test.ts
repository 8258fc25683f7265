import assert from 'node:assert/strict';
import { describeErrorCode, describePageFaultErrorCode, describeSelectorErrorCode } from '../../src/x86/error-codes.ts';
import { combineExceptions, EXCEPTIONS, formatException, VECTOR } from '../../src/x86/exceptions.ts';

describe('exceptions', () => {
  it('has the vectors with an error code of SDM 3, table 6-1', () => {
    const withCode = EXCEPTIONS.filter((fact) => fact.hasErrorCode).map((fact) => fact.vector);
    assert.deepEqual(withCode, [8, 10, 11, 12, 13, 14, 17, 21]);
    assert.equal(EXCEPTIONS.length, 32);
    assert.equal(EXCEPTIONS[13]?.mnemonic, '#GP');
    assert.equal(EXCEPTIONS[22]?.kind, 'reserved');
  });

  it('has the classes of SDM 3, table 6-4', () => {
    const contributory = EXCEPTIONS.filter((fact) => fact.class === 'contributory').map((fact) => fact.vector);
    assert.deepEqual(contributory, [0, 10, 11, 12, 13, 21]);
  });

  it('combines two exceptions as SDM 3, table 6-5 does', () => {
    const { UD, GP, PF, NP, DF, DE } = VECTOR;
    assert.equal(combineExceptions(UD, GP), 'serial');
    assert.equal(combineExceptions(UD, PF), 'serial');
    assert.equal(combineExceptions(GP, NP), 'double-fault');
    assert.equal(combineExceptions(DE, GP), 'double-fault');
    assert.equal(combineExceptions(GP, PF), 'serial');
    assert.equal(combineExceptions(PF, PF), 'double-fault');
    assert.equal(combineExceptions(PF, GP), 'double-fault');
    assert.equal(combineExceptions(PF, UD), 'serial');
    assert.equal(combineExceptions(DF, GP), 'shutdown');
    assert.equal(combineExceptions(DF, PF), 'shutdown');
  });

  it('writes an exception with its code', () => {
    assert.equal(formatException(6), '#UD');
    assert.equal(formatException(8, 0), '#DF(0)');
    assert.equal(formatException(13, 0x33), '#GP(0x33)');
    assert.equal(formatException(128), 'vector 128');
  });

  it('reads error codes', () => {
    assert.equal(describeSelectorErrorCode(0x33), 'index 6, IDT, external');
    assert.equal(describeSelectorErrorCode(0x10), 'index 2, GDT');
    assert.equal(describeSelectorErrorCode(0x0c), 'index 1, LDT');
    assert.equal(describeSelectorErrorCode(0), 'no selector');
    assert.equal(describeSelectorErrorCode(2), 'index 0, IDT');
    assert.equal(describePageFaultErrorCode(0x3), 'write, rights refused, supervisor');
    assert.equal(describePageFaultErrorCode(0x4), 'read, page not present, user');
    assert.equal(describePageFaultErrorCode(0x9), 'read, reserved bit set, supervisor');
    assert.equal(describeErrorCode(14, 2), 'write, page not present, supervisor');
    assert.equal(describeErrorCode(8, 0), undefined);
  });
});
