// The build puts the library itself in the place of this module, so that the package depends on nothing. It is one class of
// it; the others come with WebAssembly and compression, which have no use here.
import float64Histogram from 'hdr-histogram-js/dist/Float64Histogram.js'

export type HdrHistogram = InstanceType<typeof float64Histogram.default>

/** Buckets of a share of what they hold that keeps a number of digits; they grow with what is recorded. */
export function createHdrHistogram(digits: 1 | 2 | 3 | 4 | 5): HdrHistogram {
  const histogram = new float64Histogram.default(1, 2 ** 20, digits)
  histogram.autoResize = true
  return histogram
}
