"""S3 on loopback: one bucket, addressed by path, for whatever speaks its protocol.

Rules: https://docs.aws.amazon.com/AmazonS3/latest/API/ (objects, multipart uploads, lists)
"""

import hashlib
from collections.abc import Iterator
from xml.sax.saxutils import escape

from tests.simulators.loopback import Exchange, LoopbackServer, Request

DATE = "Sat, 28 Nov 2026 04:00:00 GMT"
ISO_DATE = "2026-11-28T04:00:00.000Z"
Answer = tuple[int, dict[str, str], bytes]


class S3Simulator(LoopbackServer):
    """Stands in for S3; `url` goes into S3_ENDPOINT_URL. Requests signed with another key, and
    those that would make something public, are refused."""

    def __init__(self, bucket: str, key: str) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}
        self._bucket, self.key = bucket, key
        self._parts: dict[int, bytes] = {}

    async def handle(self, exchange: Exchange) -> bool:
        status, headers, body = self._answer(exchange.request)
        sent = {"Content-Length": str(len(body)), "Last-Modified": DATE} | headers
        await exchange.start(status, sent)
        if exchange.request.method != "HEAD":
            await exchange.send(body)
        return await exchange.finish()

    def _answer(self, request: Request) -> Answer:
        bucket, _, name = request.path.removeprefix("/").partition("/")
        if f"Credential={self.key}/" not in request.headers.get("authorization", ""):
            return _error(403, "AccessDenied")
        if bucket != self._bucket:
            return _error(404, "NoSuchBucket")
        if "x-amz-acl" in request.headers:
            return _error(403, "AccessDenied")
        method = getattr(self, f"_{request.method.lower()}")
        answer: Answer = method(request, name)
        return answer

    def _put(self, request: Request, name: str) -> Answer:
        data = request.raw
        if "aws-chunked" in request.headers.get("content-encoding", ""):
            data = b"".join(_unchunked(data))
        if "partNumber" in request.query:
            self._parts[int(request.query["partNumber"])] = data
        else:
            self.objects[name] = data
        return 200, {"ETag": _etag(data)}, b""

    def _post(self, request: Request, name: str) -> Answer:
        """Begins or completes an upload in parts."""
        if "uploadId" not in request.query:
            self._parts.clear()
            return _xml(
                f"<InitiateMultipartUploadResult><Bucket>{self._bucket}</Bucket>"
                f"<Key>{name}</Key><UploadId>1</UploadId></InitiateMultipartUploadResult>"
            )
        self.objects[name] = b"".join(self._parts[number] for number in sorted(self._parts))
        return _xml(
            f"<CompleteMultipartUploadResult><Key>{name}</Key></CompleteMultipartUploadResult>"
        )

    def _get(self, request: Request, name: str) -> Answer:
        if not name:
            return self._list(request.query.get("prefix", ""))
        if (data := self.objects.get(name)) is None:
            return _error(404, "NoSuchKey")
        headers = {"ETag": _etag(data), "Accept-Ranges": "bytes"}
        if "range" not in request.headers:
            return 200, headers, data
        first, _, last = request.headers["range"].removeprefix("bytes=").partition("-")
        part = data[int(first) : int(last or len(data)) + 1]
        span = f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}"
        return 206, headers | {"Content-Range": span}, part

    _head = _get

    def _delete(self, request: Request, name: str) -> Answer:
        self.objects.pop(name, None)
        return 204, {}, b""

    def _list(self, prefix: str) -> Answer:
        """Objects right below the prefix, and what begins deeper ones."""
        below = [name.removeprefix(prefix) for name in self.objects if name.startswith(prefix)]
        files = sorted(name for name in below if "/" not in name)
        folders = sorted({name.split("/")[0] + "/" for name in below if "/" in name})
        listed = "".join(
            f"<Contents><Key>{escape(prefix + name)}</Key><LastModified>{ISO_DATE}</LastModified>"
            "</Contents>"
            for name in files
        )
        listed += "".join(
            f"<CommonPrefixes><Prefix>{escape(prefix + name)}</Prefix></CommonPrefixes>"
            for name in folders
        )
        return _xml(
            f"<ListBucketResult><IsTruncated>false</IsTruncated>{listed}</ListBucketResult>"
        )


def _unchunked(data: bytes) -> Iterator[bytes]:
    """The payload of `aws-chunked`: size[;signature], CRLF, that many bytes, CRLF; 0 ends it."""
    while data:
        head, _, data = data.partition(b"\r\n")
        size = int(head.split(b";")[0], 16)
        if size == 0:
            return
        yield data[:size]
        data = data[size + 2 :]


def _etag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


def _xml(body: str) -> Answer:
    return 200, {"Content-Type": "application/xml"}, body.encode()


def _error(status: int, code: str) -> Answer:
    body = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>"
    return status, {"Content-Type": "application/xml"}, body.encode()
