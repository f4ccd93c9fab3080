/** @file Pictures that come with requests: as files or as text, told by their headers before anything is decoded. */
import { pictureSize } from "../formats/images.js";
import { ApiError } from "./api-error.js";

/** Bytes of a picture that is sent as base64. @param what the parameter @throws ApiError 400 for what is none, or an address */
export async function pictureIn(data: string, what: string, mostPixels: number): Promise<Uint8Array> {
  const [, header, rest] = /^(data:[^,]{0,100},)?(.*)$/s.exec(data) ?? [];
  if (header !== undefined && !/^data:image\/(png|jpeg|webp);base64,$/.test(header))
    throw new ApiError(
      400,
      `expected a picture as base64, or as data:image/png;base64,..., got ${JSON.stringify(header)}`,
      {
        param: what,
      },
    );
  if (!/^[a-z0-9+/\s]*={0,2}\s*$/i.test(rest!))
    throw new ApiError(400, "expected a picture as base64; addresses are never fetched", { param: what });
  const bytes = Buffer.from(rest!, "base64");
  await checkPicture(bytes, what, mostPixels);
  return bytes;
}

/** Of a file that came in a form. */
export const bytesOf = async (file: File): Promise<Uint8Array> => new Uint8Array(await file.arrayBuffer());

/** @param most pixels @throws ApiError for a picture that is none, or has more */
export async function checkPicture(bytes: Uint8Array, what: string, most: number): Promise<void> {
  const { width, height } = await pictureSize(bytes, what).catch(() => {
    throw new ApiError(400, `${what} is no picture: expected a JPEG, PNG or WebP file`, { param: what });
  });
  if (width * height > most)
    throw new ApiError(
      400,
      `${what} has ${width} x ${height} pixels, more than the ${most} that this server decodes`,
      { param: what },
    );
}
