/**
 * Constants of the mathematical functions, in memory as vectors.
 *
 * V8 builds a `v128.const` anew at every use; a load from a fixed address costs nothing beside the arithmetic. They are
 * written once at start instead of by a data segment, which would be written again at every instantiation.
 */

/** Where they begin. */
const BASE: usize = 1024;

/** Constant number `i`. */
// @ts-ignore: decorator
@inline
export function k(i: usize): v128 {
  return v128.load(BASE + (i << 4));
}

// @ts-ignore: decorator
@inline
function f(i: usize, x: f64): void {
  v128.store(BASE + (i << 4), f32x4.splat(<f32>x));
}

// @ts-ignore: decorator
@inline
function n(i: usize, x: i32): void {
  v128.store(BASE + (i << 4), i32x4.splat(x));
}

// @ts-ignore: decorator
@inline
function d(i: usize, x: f64): void {
  v128.store(BASE + (i << 4), f64x2.splat(x));
}

// Reduction of exp: log2(e), ln 2 in two parts, the first with 12 bits so that n · EXP_LN2_HI is exact.
export const EXP_LOG2E: usize = 0;
export const EXP_LN2_HI: usize = 1;
export const EXP_LN2_LO: usize = 2;
export const EXP_MAX: usize = 3;
export const EXP_MIN: usize = 4;

// (eʳ − 1 − r) / r² on [-0.3475, 0.3475]; relative error of eʳ 3.1e-9.
export const EXP_P0: usize = 5;
export const EXP_P1: usize = 6;
export const EXP_P2: usize = 7;
export const EXP_P3: usize = 8;
export const EXP_P4: usize = 9;

// Reduction of log: √½, ln 2 in two parts, the scale of denormals.
export const LOG_LN2_HI: usize = 11;
export const LOG_LN2_LO: usize = 12;
export const LOG_TINY: usize = 13;
export const LOG_SCALE: usize = 14;

// The same for normal random numbers; Chebyshev interpolation of degree 8 on [-0.29289, 0.41421], error 2.67e-9.
export const UNIT_P0: usize = 15;
export const UNIT_P1: usize = 16;
export const UNIT_P2: usize = 17;
export const UNIT_P3: usize = 18;
export const UNIT_P4: usize = 19;
export const UNIT_P5: usize = 20;
export const UNIT_P6: usize = 21;
export const UNIT_P7: usize = 22;
export const UNIT_P8: usize = 23;

// (tanh(x) − x) / x³ in x² up to x = 0.2565, relative error 3.5e-09.
export const TANH_P0: usize = 24;
export const TANH_P1: usize = 25;
export const TANH_P2: usize = 26;

// Reduction of tanh, half of that of exp, with the limits of n moved up; where it is 1.
export const TANH_LOG2E: usize = 27;
export const TANH_LN2_HI: usize = 28;
export const TANH_LN2_LO: usize = 29;
export const TANH_SHIFT: usize = 30;
export const TANH_MAX: usize = 31;

// (−ln erfc(a) / a − 1) on [0, 3.93]; relative error of erf 4.2e-9.
export const ERF_G0: usize = 32;
export const ERF_G1: usize = 33;
export const ERF_G2: usize = 34;
export const ERF_G3: usize = 35;
export const ERF_G4: usize = 36;
export const ERF_G5: usize = 37;
export const ERF_G6: usize = 38;
export const ERF_G7: usize = 39;
export const ERF_G8: usize = 40;

// Φ(−a) e^(a²/2) = P(a) / Q(a) on [0, 14.4], relative error 5.8e-9; Q is times 2⁶⁴.
export const PHI_P0: usize = 41;
export const PHI_P1: usize = 42;
export const PHI_P2: usize = 43;
export const PHI_P3: usize = 44;
export const PHI_P4: usize = 45;
export const PHI_Q0: usize = 46;
export const PHI_Q1: usize = 47;
export const PHI_Q2: usize = 48;
export const PHI_Q3: usize = 49;
export const PHI_Q4: usize = 50;
export const PHI_Q5: usize = 51;

// e^(−a²/2): its rounding constant with the scale 2⁶⁴, and 2⁻⁶⁴ / √(2π).
export const BELL_MAGIC: usize = 52;
export const BELL_PDF: usize = 53;
export const HIGH_BITS: usize = 54;

// Reduction of exp: the rounding constant with the bias of exponents; where the power is 0.
export const EXP_MAGIC: usize = 55;
export const EXP_ZERO: usize = 56;
export const EXP_MINUS_LOG2E: usize = 57;

// Odd coefficients of (eʳ − 1 − r) / r² for −r.
export const EXP_M1: usize = 58;
export const EXP_M3: usize = 59;

// Where erf is 1, gelu is 0 on the left; gelu.
export const PHI_MAX: usize = 63;
export const ERF_MAX: usize = 64;
export const GELU_K: usize = 65;
export const GELU_2K: usize = 66;
export const GELU_C: usize = 67;

// Reduction of exp and log.
export const D_LOG2E: usize = 69;
export const D_LN2: usize = 70;
export const D_MAGIC: usize = 71;

// eʳ; Chebyshev interpolation of degree 9 on [-0.34761, 0.34761], error 1.43e-14.
export const D_EXP0: usize = 73;
export const D_EXP1: usize = 74;
export const D_EXP2: usize = 75;
export const D_EXP3: usize = 76;
export const D_EXP4: usize = 77;
export const D_EXP5: usize = 78;
export const D_EXP6: usize = 79;
export const D_EXP7: usize = 80;
export const D_EXP8: usize = 81;
export const D_EXP9: usize = 82;

// 2 atanh(s)/s in s²; Chebyshev interpolation of degree 6 on [1.0e-20, 0.029467], error 3.53e-16.
export const D_LOG0: usize = 83;
export const D_LOG1: usize = 84;
export const D_LOG2: usize = 85;
export const D_LOG3: usize = 86;
export const D_LOG4: usize = 87;
export const D_LOG5: usize = 88;
export const D_LOG6: usize = 89;

// Reduction of sin, cos, tan: 2/π and π/2 in two parts.
export const D_TWO_PI: usize = 90;
export const D_PIO2_HI: usize = 91;
export const D_PIO2_LO: usize = 92;

// (sin(x) − x)/x³ in x²; Chebyshev interpolation of degree 4 on [1.0e-14, 0.61808], error 2.81e-14.
export const D_SIN0: usize = 95;
export const D_SIN1: usize = 96;
export const D_SIN2: usize = 97;
export const D_SIN3: usize = 98;
export const D_SIN4: usize = 99;

// cos(x) in x²; Chebyshev interpolation of degree 5 on [0.0, 0.61808], error 5.63e-14.
export const D_COS0: usize = 100;
export const D_COS1: usize = 101;
export const D_COS2: usize = 102;
export const D_COS3: usize = 103;
export const D_COS4: usize = 104;
export const D_COS5: usize = 105;

// π/2 in two parts.
export const PIO2: usize = 93;
export const PIO2_LOW: usize = 94;

// (asin(x) − x)/x³ in x² up to ½, (atan(x) − x)/x³ in x² up to 1; relative errors of asin 5.0e-9, of atan 2.3e-9.
export const ASIN_P0: usize = 106;
export const ASIN_P1: usize = 107;
export const ASIN_P2: usize = 108;
export const ASIN_P3: usize = 109;
export const ASIN_P4: usize = 110;
export const ATAN_P0: usize = 111;
export const ATAN_P1: usize = 112;
export const ATAN_P2: usize = 113;
export const ATAN_P3: usize = 114;
export const ATAN_P4: usize = 115;
export const ATAN_P5: usize = 116;
export const ATAN_P6: usize = 117;
export const ATAN_P7: usize = 118;
export const ATAN_P8: usize = 119;

// erfcx(a) · (1 + 2a) in t = (a − 2)/(a + 2); Chebyshev interpolation of degree 16 on [-1.0, 0.7], error 8.08e-13.
export const D_ERFCX0: usize = 123;
export const D_ERFCX1: usize = 124;
export const D_ERFCX2: usize = 125;
export const D_ERFCX3: usize = 126;
export const D_ERFCX4: usize = 127;
export const D_ERFCX5: usize = 128;
export const D_ERFCX6: usize = 129;
export const D_ERFCX7: usize = 130;
export const D_ERFCX8: usize = 131;
export const D_ERFCX9: usize = 132;
export const D_ERFCX10: usize = 133;
export const D_ERFCX11: usize = 134;
export const D_ERFCX12: usize = 135;
export const D_ERFCX13: usize = 136;
export const D_ERFCX14: usize = 137;
export const D_ERFCX15: usize = 138;
export const D_ERFCX16: usize = 139;

// Numbers.
export const ONE: usize = 140;
export const HALF: usize = 141;
export const MINUS_HALF: usize = 145;
export const THREE: usize = 146;
export const EXP_FAST: usize = 147;
export const MAGIC: usize = 148;

// Patterns of bits: exponent of 1, all but the sign, mantissa, √½, NaN, smallest normal number, 0x7f000000.
export const BIAS: usize = 149;
export const NOT_SIGN: usize = 150;
export const MANTISSA: usize = 151;
export const SQRTHF_BITS: usize = 152;
export const NAN_BITS: usize = 153;
export const NORMAL_BITS: usize = 154;
export const FINITE_SPAN: usize = 155;

// Numbers.
export const D_ONE: usize = 156;
export const D_HALF: usize = 157;

// Sine and cosine of up to an eighth of a turn by their series: t + t³ (S3 + …) and 1 − t²/2 + t⁴ (C4 + …).
export const TURN: usize = 162;
export const TURN_S3: usize = 163;
export const TURN_S5: usize = 164;
export const TURN_S7: usize = 165;
export const TURN_C4: usize = 166;
export const TURN_C6: usize = 167;
export const TURN_C8: usize = 168;
export const QUARTER: usize = 169;
export const FOUR: usize = 170;
export const TURN_S9: usize = 171;

// (2ʳ − 1) / r on [-0.5, 0.5]; relative error of 2ʳ 2e-9.
export const EXP2_P0: usize = 172;
export const EXP2_P1: usize = 173;
export const EXP2_P2: usize = 174;
export const EXP2_P3: usize = 175;
export const EXP2_P4: usize = 176;
export const EXP2_P5: usize = 177;

// (ln(1 + f) − f + f²/2) / f³ on [-0.29289, 0.41421]; relative error of the logarithm 5.8e-9.
export const LOG_P0: usize = 178;
export const LOG_P1: usize = 179;
export const LOG_P2: usize = 180;
export const LOG_P3: usize = 181;
export const LOG_P4: usize = 182;
export const LOG_P5: usize = 183;
export const LOG_P6: usize = 184;
export const LOG_P7: usize = 209;

// log₂ e − 1.
export const LOG2E_LESS: usize = 208;

// log₁₀ 2 in two parts, log₁₀ e, and what that is beyond ½.
export const LOG10_2_HI: usize = 185;
export const LOG10_2_LO: usize = 186;
export const LOG10_E: usize = 187;
export const LOG10_E_LESS: usize = 203;

// Reduction of sin and cos up to WAVE_MAX: 2/π, π/2 in parts of 12, 12, 12 and 24 bits.
export const WAVE_2_PI: usize = 188;
export const WAVE_PIO2_0: usize = 189;
export const WAVE_PIO2_1: usize = 190;
export const WAVE_PIO2_2: usize = 191;
export const WAVE_PIO2_3: usize = 192;
export const WAVE_MAX: usize = 193;

// (sin(x) − x)/x³ and (cos(x) − 1 + x²/2)/x⁴ in x² up to x = 0.7858; relative errors 3.8e-9, 1.2e-10.
export const WAVE_S0: usize = 194;
export const WAVE_S1: usize = 195;
export const WAVE_S2: usize = 196;
export const WAVE_C0: usize = 197;
export const WAVE_C1: usize = 198;
export const WAVE_C2: usize = 199;

export const TWO: usize = 202;

export const MINUS_TWO: usize = 204;

// 2⁻²⁴, and the multipliers of Philox.
export const UNIT_24: usize = 205;
export const PHILOX_M0: usize = 206;
export const PHILOX_M1: usize = 207;

// Patterns of bits: the sign, the integer 1.
export const SIGN: usize = 200;
export const INT_ONE: usize = 201;

// gelu: (Φ(x) − ½) / x in x² up to x = 3.5, relative error of Φ 1.2e-8.
export const D_GELU0: usize = 210;
export const D_GELU1: usize = 211;
export const D_GELU2: usize = 212;
export const D_GELU3: usize = 213;
export const D_GELU4: usize = 214;
export const D_GELU5: usize = 215;
export const D_GELU6: usize = 216;
export const D_GELU7: usize = 217;
export const D_GELU8: usize = 218;
export const D_GELU9: usize = 219;
export const D_GELU10: usize = 220;
export const D_GELU11: usize = 221;
export const D_GELU12: usize = 222;

// a Φ(−a) e^(a²/2) in 1/a² from a = 3.5 to 15, relative error 1.7e-9.
export const D_TAIL0: usize = 223;
export const D_TAIL1: usize = 224;
export const D_TAIL2: usize = 225;
export const D_TAIL3: usize = 226;
export const D_TAIL4: usize = 227;
export const D_TAIL5: usize = 228;
export const D_TAIL6: usize = 229;
export const D_TAIL7: usize = 230;

// Exponent of the tanh form of gelu: √(8/π), and times 0.044715; the rounding constant with the bias of exponents.
export const D_GELU_2K: usize = 231;
export const D_GELU_CUBE: usize = 232;
export const D_BIASED_MAGIC: usize = 233;

// Up to where gelu and its tanh form take the short way.
export const GELU_NEAR: usize = 234;
export const GELU_TANH_NEAR: usize = 235;

/** 2/π as a fraction of 9 words of 32 bits, behind a word of zeros. */
export const TWO_OVER_PI: usize = 3552;

// @ts-ignore: decorator
@inline
function word(i: usize, x: u32): void {
  store<u32>(TWO_OVER_PI + (i << 2), x);
}

/** Writes the constants. The host calls it once for a memory. */
export function init_constants(): void {
  f(EXP_LOG2E, 1.442695041);
  f(EXP_LN2_HI, 0.6931152344);
  f(EXP_LN2_LO, 3.194618495e-5);
  f(EXP_MAX, 89.5);
  f(EXP_MIN, -105.0);
  f(LOG_LN2_HI, 0.69140625);
  f(LOG_LN2_LO, 0.00174093056);
  f(LOG_TINY, 1.175494351e-38);
  f(LOG_SCALE, 8388608.0);
  f(UNIT_P0, 0.3333333118);
  f(UNIT_P1, -0.2499999696);
  f(UNIT_P2, 0.2000071575);
  f(UNIT_P3, -0.1666780232);
  f(UNIT_P4, 0.1424905765);
  f(UNIT_P5, -0.1242568733);
  f(UNIT_P6, 0.1168541992);
  f(UNIT_P7, -0.1147973385);
  f(UNIT_P8, 0.06971611471);
  f(GELU_K, 0.7978845608);
  f(GELU_2K, 1.595769122);
  f(GELU_C, 0.044715);
  d(D_LOG2E, 1.442695040888963407);
  d(D_LN2, 0.6931471805599453094);
  d(D_MAGIC, 6755399441055744.0);
  d(D_EXP0, 1.000000000000013897);
  d(D_EXP1, 1.000000000000001263);
  d(D_EXP2, 0.4999999999942496525);
  d(D_EXP3, 0.1666666666661440903);
  d(D_EXP4, 0.04166666704733746073);
  d(D_EXP5, 0.008333333367928198142);
  d(D_EXP6, 0.001388880069823747244);
  d(D_EXP7, 0.0001984118969213984134);
  d(D_EXP8, 2.488495847330096607e-5);
  d(D_EXP9, 2.763309385189409547e-6);
  d(D_LOG0, 2.000000000000000344);
  d(D_LOG1, 0.666666666665522232);
  d(D_LOG2, 0.4000000006205660303);
  d(D_LOG3, 0.2857141596971553631);
  d(D_LOG4, 0.222234382899747369);
  d(D_LOG5, 0.1812181009579607667);
  d(D_LOG6, 0.1683919603089291288);
  d(D_TWO_PI, 0.6366197723675813431);
  d(D_PIO2_HI, 1.57079632580280304);
  d(D_PIO2_LO, 9.920935796805404416e-10);
  d(D_SIN0, -0.1666666666666385806);
  d(D_SIN1, 0.008333333331061169128);
  d(D_SIN2, -0.0001984126689944618594);
  d(D_SIN3, 2.755598562785434202e-6);
  d(D_SIN4, -2.480514565203998141e-8);
  d(D_COS0, 0.999999999999943741);
  d(D_COS1, -0.4999999999934461321);
  d(D_COS2, 0.04166666654292864404);
  d(D_COS3, -0.001388888034286398316);
  d(D_COS4, 2.479891815539000527e-5);
  d(D_COS5, -2.717266694422663876e-7);
  d(D_ERFCX0, 1.276978381552427361);
  d(D_ERFCX1, -0.092763826569457041);
  d(D_ERFCX2, -0.1660303975932792517);
  d(D_ERFCX3, 0.1640512789158018643);
  d(D_ERFCX4, -0.05422000202111226177);
  d(D_ERFCX5, -0.008033992790549742092);
  d(D_ERFCX6, 0.00872267434604208348);
  d(D_ERFCX7, 0.001271141893274661722);
  d(D_ERFCX8, -0.001457016502004123473);
  d(D_ERFCX9, -0.0004534465087512779162);
  d(D_ERFCX10, 0.0002074421901703949858);
  d(D_ERFCX11, 0.0001489066368429250751);
  d(D_ERFCX12, -4.657510653343488209e-6);
  d(D_ERFCX13, -3.408389717794606956e-5);
  d(D_ERFCX14, -8.549151766848955677e-6);
  d(D_ERFCX15, 3.478203118747178983e-6);
  d(D_ERFCX16, 1.580573979864072682e-6);
  f(ONE, 1.0);
  f(HALF, 0.5);
  f(MINUS_HALF, -0.5);
  f(THREE, 3.0);
  f(EXP_FAST, 87.0);
  f(MAGIC, 12582912.0);
  n(BIAS, 0x7f);
  n(NOT_SIGN, 0x7fffffff);
  n(MANTISSA, 0x7fffff);
  n(SQRTHF_BITS, 0x3f3504f3);
  n(NAN_BITS, 0x7fc00000);
  n(NORMAL_BITS, 0x800000);
  n(FINITE_SPAN, 0x7f000000);
  d(D_ONE, 1.0);
  d(D_HALF, 0.5);
  f(TURN, 6.283185307179586);
  f(TURN_S3, -0.16666666666666666);
  f(TURN_S5, 0.008333333333333333);
  f(TURN_S7, -0.0001984126984126984);
  f(TURN_C4, 0.041666666666666664);
  f(TURN_C6, -0.001388888888888889);
  f(TURN_C8, 2.48015873015873e-5);
  f(QUARTER, 0.25);
  f(FOUR, 4.0);
  f(TURN_S9, 2.7557319223985893e-6);
  f(EXP_P0, 0.4999999335);
  f(EXP_P1, 0.1666651913);
  f(EXP_P2, 0.04166840572);
  f(EXP_P3, 0.008368898669);
  f(EXP_P4, 0.001381422187);
  f(EXP_M1, -0.1666651913);
  f(EXP_M3, -0.008368898669);
  f(EXP_MAGIC, 12583039.0);
  f(EXP_ZERO, -88.0);
  f(EXP_MINUS_LOG2E, -1.442695041);
  f(EXP2_P0, 0.6931472029);
  f(EXP2_P1, 0.2402264791);
  f(EXP2_P2, 0.05550332471);
  f(EXP2_P3, 0.009618437358);
  f(EXP2_P4, 0.001339887444);
  f(EXP2_P5, 0.0001535336183);
  f(LOG_P0, 0.3333333171);
  f(LOG_P1, -0.2500082103);
  f(LOG_P2, 0.2000122688);
  f(LOG_P3, -0.1662335734);
  f(LOG_P4, 0.14201758);
  f(LOG_P5, -0.131601824);
  f(LOG_P6, 0.1276157704);
  f(LOG_P7, -0.07634496528);
  f(LOG2E_LESS, 0.4426950408889634);
  f(LOG10_2_HI, 0.301025390625);
  f(LOG10_2_LO, 4.6050389811952138e-06);
  f(LOG10_E, 0.4342944819032518);
  f(LOG10_E_LESS, -0.06570551809674817);
  f(TANH_P0, -0.3333322484);
  f(TANH_P1, 0.1332327646);
  f(TANH_P2, -0.05130101823);
  f(TANH_LOG2E, 2.885390081777927);
  f(TANH_LN2_HI, 0.3465576172);
  f(TANH_LN2_LO, 1.5973092475e-5);
  f(TANH_SHIFT, -0.237);
  f(TWO, 2.0);
  f(MINUS_TWO, -2.0);
  f(UNIT_24, 5.9604644775390625e-8);
  n(PHILOX_M0, 0xd2511f53);
  n(PHILOX_M1, 0xcd9e8d57);
  f(TANH_MAX, 9.2);
  f(ERF_G0, 0.1283791671);
  f(ERF_G1, 0.6366195133);
  f(ERF_G2, 0.1027767999);
  f(ERF_G3, -0.01914959594);
  f(ERF_G4, -0.0001663579736);
  f(ERF_G5, 0.001672651951);
  f(ERF_G6, -0.0006357679085);
  f(ERF_G7, 0.0001184288868);
  f(ERF_G8, -9.341087925e-06);
  f(ERF_MAX, 3.93);
  f(PHI_P0, 0.5000000029);
  f(PHI_P1, 0.4380911279);
  f(PHI_P2, 0.183084015);
  f(PHI_P3, 0.04058224479);
  f(PHI_P4, 0.004108730515);
  f(PHI_Q0, 18446744073709551616.0 * 1.0);
  f(PHI_Q1, 18446744073709551616.0 * 1.674067232);
  f(PHI_Q2, 18446744073709551616.0 * 1.201875692);
  f(PHI_Q3, 18446744073709551616.0 * 0.4690716402);
  f(PHI_Q4, 18446744073709551616.0 * 0.1017311191);
  f(PHI_Q5, 18446744073709551616.0 * 0.01029893862);
  f(PHI_MAX, 14.5);
  f(BELL_MAGIC, 12583103.0);
  f(BELL_PDF, 0.3989422804014327 / 18446744073709551616.0);
  n(HIGH_BITS, 0xfffff000);
  f(WAVE_2_PI, 0.6366197723675814);
  f(WAVE_PIO2_0, 1.5703125);
  f(WAVE_PIO2_1, 0.00048375129699707031);
  f(WAVE_PIO2_2, 7.5495336204767227e-08);
  f(WAVE_PIO2_3, 2.5633441515945189e-12);
  f(WAVE_MAX, 500.0);
  f(WAVE_S0, -0.1666665457);
  f(WAVE_S1, 0.008332158409);
  f(WAVE_S2, -0.0001951495759);
  f(WAVE_C0, 0.04166664562);
  f(WAVE_C1, -0.001388731306);
  f(WAVE_C2, 2.443278505e-05);
  n(SIGN, 0x80000000);
  n(INT_ONE, 1);
  d(D_GELU0, 0.398942254955264868);
  d(D_GELU1, -0.0664902405563610738);
  d(D_GELU2, 0.00997329434338883535);
  d(D_GELU3, -0.00118707604689887089);
  d(D_GELU4, 0.000115288924821811744);
  d(D_GELU5, -9.38920798673100501e-6);
  d(D_GELU6, 6.51336959926902112e-7);
  d(D_GELU7, -3.84594324769431894e-8);
  d(D_GELU8, 1.89091419048496377e-9);
  d(D_GELU9, -7.38583660226337949e-11);
  d(D_GELU10, 2.1202934024108788e-12);
  d(D_GELU11, -3.91988282527439419e-14);
  d(D_GELU12, 3.45945419102021935e-16);
  d(D_TAIL0, 0.3989422626577771);
  d(D_TAIL1, -0.3989344518481167);
  d(D_TAIL2, 1.195551430571296);
  d(D_TAIL3, -5.879779052895584);
  d(D_TAIL4, 36.94684223064213);
  d(D_TAIL5, -228.2802623476453);
  d(D_TAIL6, 1033.210347372728);
  d(D_TAIL7, -2299.705295663197);
  d(D_GELU_2K, 1.595769121605730712);
  d(D_GELU_CUBE, 0.0713548162726002488);
  d(D_BIASED_MAGIC, 6755399441055871.0);
  f(GELU_NEAR, 3.5);
  f(GELU_TANH_NEAR, 9.97);
  f(PIO2, 1.5707963705062866);
  f(PIO2_LOW, -4.371139000186241e-8);
  f(ASIN_P0, 0.1666675393);
  f(ASIN_P1, 0.07495241769);
  f(ASIN_P2, 0.04547709904);
  f(ASIN_P3, 0.02414760002);
  f(ASIN_P4, 0.04221856859);
  f(ATAN_P0, -0.3333330187);
  f(ATAN_P1, 0.1999863863);
  f(ATAN_P2, -0.142652455);
  f(ATAN_P3, 0.1095757663);
  f(ATAN_P4, -0.08419460094);
  f(ATAN_P5, 0.05823456406);
  f(ATAN_P6, -0.03145571375);
  f(ATAN_P7, 0.01106444698);
  f(ATAN_P8, -0.001827214252);
  word(0, 0);
  word(1, 0xa2f9836e);
  word(2, 0x4e441529);
  word(3, 0xfc2757d1);
  word(4, 0xf534ddc0);
  word(5, 0xdb629599);
  word(6, 0x3c439041);
  word(7, 0xfe5163ab);
  word(8, 0xdebbc561);
  word(9, 0xb7246e3a);
}
