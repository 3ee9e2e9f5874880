import { AnabranchError } from "@anabranch/engine";
import * as z from "zod";

/** A key of S3-compatible storage. It is nowhere but in the memory of this process and in its environment. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const environment = z.object({
  AWS_ACCESS_KEY_ID: z.string().trim().min(1),
  AWS_SECRET_ACCESS_KEY: z.string().trim().min(1),
});

/**
 * The key in the environment.
 *
 * @throws `blob/credentials` where it is missing, or only valid together with a session token
 */
export function s3Credentials(env: Readonly<Record<string, string | undefined>>): S3Credentials {
  const found = environment.safeParse(env).data;
  if (found === undefined) {
    throw new AnabranchError({
      code: "blob/credentials",
      message: "there is no key for the storage of the blobs",
      expected: "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment",
      advice: "Set both for this command alone, to a key that may read, write, list and delete in this folder.",
    });
  }
  if ((env["AWS_SESSION_TOKEN"] ?? "") !== "") {
    throw new AnabranchError({
      code: "blob/credentials",
      message: "temporary keys of S3 are not supported: a run lasts longer than they do",
      received: "AWS_SESSION_TOKEN in the environment",
      advice: "Use a lasting key that may read, write, list and delete in this folder alone, and unset the token.",
    });
  }
  return { accessKeyId: found.AWS_ACCESS_KEY_ID, secretAccessKey: found.AWS_SECRET_ACCESS_KEY };
}
