// Reads the documents for their tests: fenced blocks, tables and links.
import { readdir, readFile } from 'node:fs/promises'

export const root = new URL('../../', import.meta.url)

export const readDocument = (path: string): Promise<string> => readFile(new URL(path, root), 'utf8')

/** README, CHANGELOG, SECURITY and everything in docs/. */
export async function listDocuments(): Promise<string[]> {
  const docs = await readdir(new URL('docs/', root))
  return [
    'README.md',
    'CHANGELOG.md',
    'SECURITY.md',
    ...docs.filter((file) => file.endsWith('.md')).map((file) => `docs/${file}`),
  ]
}

/** What stands under a heading, up to the next one of the same level. */
export function sectionOf(text: string, heading: string): string {
  const [, after] = `\n${text}`.split(`\n${heading}\n`)
  if (after === undefined) throw new Error(`there is no heading "${heading}"`)
  const level = heading.split(' ')[0] ?? '#'
  return after.split(`\n${level} `)[0] ?? ''
}

/** The fenced blocks in a language, in order. */
export const fencesOf = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, block = '']) => block)

/** The rows of all tables, without their heads; cells as written. */
export function rowsOf(text: string): string[][] {
  const lines = text.split('\n')
  const isRule = (line: string | undefined) => /^\|( ?-+ ?\|)+$/.test(line ?? '')
  return lines
    .filter((line, index) => line.startsWith('|') && !isRule(line) && !isRule(lines[index + 1]))
    .map((line) => line.split('|').slice(1, -1).map(cellOf))
}

const cellOf = (cell: string): string => cell.trim()

/** The one code span that a cell consists of, or its plain text. */
export const codeOf = (cell = ''): string => /^`([^`]*)`$/.exec(cell)?.[1] ?? cell

/** Relative link targets, images included, without their anchors. */
export const linksOf = (text: string): string[] =>
  [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target.split('#')[0] ?? '')
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target))

/** As GitHub makes them of headings. */
export const anchorsOf = (text: string): string[] =>
  [...text.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )

/** Links to a part of a document: the document, '' for the same one, and the anchor. */
export const partsOf = (text: string): [file: string, anchor: string][] =>
  [...text.matchAll(/\]\(((?:[\w./-]+\.md)?)#([^)\s]+)\)/g)].map(([, file = '', anchor = '']) => [file, anchor])
