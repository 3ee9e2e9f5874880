import { expect, it } from "vitest";
import { addressText, parseS3Address } from "./s3-address.ts";
import { s3Credentials } from "./s3-credentials.ts";

it.each([
  [
    "s3://federation/a/b/?endpoint=http://127.0.0.1:9000",
    { bucket: "federation", prefix: "a/b/", endpoint: "http://127.0.0.1:9000", region: "us-east-1" },
  ],
  [
    "s3://federation?region=eu-central-1",
    { bucket: "federation", prefix: "", endpoint: "https://s3.eu-central-1.amazonaws.com", region: "eu-central-1" },
  ],
  [
    "s3://my.bucket/x?endpoint=https://store.example.org/&region=garage",
    { bucket: "my.bucket", prefix: "x/", endpoint: "https://store.example.org", region: "garage" },
  ],
])("reads %s", (text, address) => {
  expect(parseS3Address(text)).toEqual(address);
  expect(parseS3Address(addressText(address))).toEqual(address);
});

it.each([
  "",
  "s3:",
  "s3://",
  "s3://ab?region=eu-west-1",
  "/a/folder",
  "https://bucket.example.org",
  "s3://bucket", // no region
  "s3://bucket?region=",
  "s3://bucket?region=a/b",
  "s3://bucket:1?region=eu-west-1",
  "s3://bucket?region=eu-west-1#x",
  "s3://bucket?region=eu-west-1&acl=public",
  "s3://bucket/a%20b?region=eu-west-1",
  "s3://bucket/.hidden?region=eu-west-1",
  "s3://bucket?endpoint=127.0.0.1:9000",
  "s3://bucket?endpoint=ftp://host",
  "s3://bucket?endpoint=http://host/path",
  "s3://bucket?endpoint=http://host?x=1",
  "s3://KEY:topsecret@bucket?region=eu-west-1",
  "s3://bucket?endpoint=http://KEY:topsecret@host",
])("refuses %j, and does not show it", (text) => {
  const parse = () => parseS3Address(text);
  expect(parse).toThrow(expect.objectContaining({ code: "blob/address" }));
  expect(parse).toThrow(expect.not.objectContaining({ message: expect.stringContaining("topsecret") }));
});

it("takes lasting keys from the environment alone", () => {
  const env = { AWS_ACCESS_KEY_ID: "K", AWS_SECRET_ACCESS_KEY: "S" };
  expect(s3Credentials(env)).toEqual({ accessKeyId: "K", secretAccessKey: "S" });
  for (const changed of [{ AWS_ACCESS_KEY_ID: "" }, { AWS_SECRET_ACCESS_KEY: undefined }, { AWS_SESSION_TOKEN: "t" }]) {
    expect(() => s3Credentials({ ...env, ...changed })).toThrow(expect.objectContaining({ code: "blob/credentials" }));
  }
});
