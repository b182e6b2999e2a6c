// Where the page's files are, for the local servers.
export const pageFolder = (): URL => new URL('../web/public/', import.meta.url)
