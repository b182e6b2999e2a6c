// A real S3 server on this machine, with one empty bucket: s3rver, which checks signatures.
import S3rver from '@20minutes/s3rver'
import type { S3Access } from '../../storage/s3/client.ts'

export interface LocalS3 {
  access: S3Access
  /** The same, as an environment says it. */
  env: Record<string, string>
  stop(): Promise<void>
}

/** Keeps what it stores in `directory`. */
export async function startS3(directory: string): Promise<LocalS3> {
  const server = new S3rver({
    ...{ port: 0, address: '127.0.0.1', silent: true, directory },
    configureBuckets: [{ name: 'pictures', configs: [] }],
  })
  const { port } = await server.run()
  return {
    access: {
      endpoint: `http://127.0.0.1:${port}`,
      bucket: 'pictures',
      region: 'us-east-1',
      accessKeyId: 'S3RVER',
      secretAccessKey: 'S3RVER',
    },
    env: {
      STORAGE: 's3',
      S3_ENDPOINT: `http://127.0.0.1:${port}`,
      S3_BUCKET: 'pictures',
      S3_ACCESS_KEY_ID: 'S3RVER',
      S3_SECRET_ACCESS_KEY: 'S3RVER',
    },
    stop: async () => {
      await server.close()
    },
  }
}
