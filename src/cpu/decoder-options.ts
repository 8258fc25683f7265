import { DecoderOptions } from 'iced-x86';

/**
 * How this CPU reads bytes, for whoever decodes them. CPUID reports neither BMI1 nor LZCNT: REP BSF and REP BSR, which compilers write
 * for both, are BSF and BSR; WBNOINVD is WBINVD. A function, so that importing this loads no decoder.
 */
export function decoderOptions(): number {
  return DecoderOptions.NoMPFX_0FBC | DecoderOptions.NoMPFX_0FBD | DecoderOptions.NoWbnoinvd;
}
