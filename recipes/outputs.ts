// What recipes read out of a provider's output, which may be one address or a list of them; versions of a model can change that.

/** The first address of an output that is a URL or a list of URLs; a list of none for any other. */
export const firstUrl = (output: unknown): string[] => allUrls(output).slice(0, 1)

/** All of them: a model that is asked for several candidates gives as many. */
export const allUrls = (output: unknown): string[] => [output].flat().filter((url) => typeof url === 'string')
