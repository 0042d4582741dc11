"""What is said of the place where originals are kept."""

BUCKET, CLOUD = "the bucket {name}", "Cloudinary's cloud {name}"
CLOUDINARY_NEEDS = (
    "ORIGINALS_STORAGE=cloudinary needs CLOUDINARY_CLOUD_NAME, CLOUDINARY_API_KEY and "
    "CLOUDINARY_API_SECRET."
)
CLOUDINARY_PACKAGE = (
    "ORIGINALS_STORAGE=cloudinary needs one more package. Run: "
    ".venv/bin/pip install -c constraints.txt -r requirements-cloudinary.txt"
)
CLOUDINARY_REFUSES = (
    "Cloudinary refuses the key; check CLOUDINARY_CLOUD_NAME, CLOUDINARY_API_KEY and "
    "CLOUDINARY_API_SECRET"
)
CLOUDINARY_REFUSES_THIS = "Cloudinary refuses this request"
CLOUDINARY_RATE = "Cloudinary takes no more requests for the moment"
CLOUDINARY_AWAY = "Cloudinary can't be reached or is out of order"
CLOUDINARY_KEEPS = "Cloudinary did not delete a file ({result})"
CLOUDINARY_TOO_LARGE = "Cloudinary takes files of at most {limit} MB on your plan"
NOT_AT_CLOUDINARY = "Cloudinary has no such file"
