// How both drivers read what Postgres sends, where their own way doesn't fit: amounts are numbers, days are text.
type Parser = (text: string) => unknown
interface Types {
  getTypeParser(oid: number, format?: 'text' | 'binary'): unknown
}

const int8 = 20
const date = 1082

/** Amounts in millionths of a dollar stay below 2^53 for nine milliards. A day has no hour, and so is no instant. */
export const typesOver = (own: Types) => ({
  getTypeParser: (oid: number, format?: 'text' | 'binary'): Parser => {
    if (oid === int8) return Number
    if (oid === date) return String
    return own.getTypeParser(oid, format) as Parser
  },
})
