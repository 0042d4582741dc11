"""Every sentence that the engine says to people on its own behalf."""

GREETING = (
    "Hello! Ask me anything about your team's documents, for example “How do I report an "
    "expense?”. I answer with the passages that I found it in."
)
CLARIFICATION = (
    "I'm not sure what you mean. Could you ask it as a full question, with a word or two about "
    "what it concerns?"
)
DECLINED = "I could not find this in the documents that I may use here."
GENERAL_MARK = "*Not from your documents:* "
SEARCHING = "Searching the documents…"
TERMS_ONLY = "The embedding model could not be reached, so only the words were searched for."
RESTARTED = "{failed} broke off; starting again."
UNCITED = "The model named no source for this."
NO_TESSERACT = "Tesseract is not installed"
OCR_MISSING = f"{NO_TESSERACT}, so the text in this picture was not read."
OCR_FAILED = "Text recognition failed, so the text in this picture was not read."
DESCRIBE = "What does this picture show?"
NO_MODEL = "no language model is set up that could describe the picture"
MODEL_FAILED = "the language model could not describe the picture"
TEXT_ALONE = "There is little text in it, and {why}, so it is found by that text alone."
PAGES_WITHOUT_OCR = f"{{pages}} of {{total}} pages are pictures and were not read: {NO_TESSERACT}."
PAGES_UNREAD = "{pages} of {total} pages are pictures and could not be read."
UNEXPECTED = "unexpected {error}"
NO_CHANGE = "The embedding model is not being changed."
VECTORS_DELETED = "Deleted {count:,} vectors of models that are not used any more."
CHANGING = (
    "Changing to {model}: {count:,} passages were embedded now, {done:,} of {total:,} in all."
)
CHANGED = "The documents are embedded with {model} now; {count:,} passages were embedded for it."
TIME_FOR_FILE = "it had {seconds} seconds"
