"""Who brought what, and what is to be made available to the team."""

from django.db import models
from django.db.models import Q

from backend.accounts.models import User, Workspace
from knowledge.models import Document, DocumentVersion


class Contribution(models.Model):
    """Who brought a version of a document; nobody any more where they were forgotten."""

    version = models.OneToOneField(
        DocumentVersion, on_delete=models.CASCADE, related_name="contribution"
    )
    user = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="contributions"
    )
    at = models.DateTimeField(auto_now_add=True)
    # The version whose content they brought back with this one.
    restores = models.ForeignKey(
        DocumentVersion, null=True, on_delete=models.SET_NULL, related_name="restored"
    )

    def __str__(self) -> str:
        return f"{self.version_id} by {self.user_id}"


class RequestState(models.TextChoices):
    ASKED = "asked"
    APPROVED = "approved"
    DECLINED = "declined"


class PromotionRequest(models.Model):
    """Somebody would like the team to have a document; a curator decides."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    document = models.ForeignKey(
        Document, on_delete=models.CASCADE, related_name="promotion_requests"
    )
    asked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    # What a platform called them and their channel when they asked; the channel's name only where
    # everybody of the team may know it.
    asked_as = models.CharField(max_length=80, blank=True)
    asked_in = models.CharField(max_length=100, blank=True)
    asked_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(
        max_length=10, choices=RequestState.choices, default=RequestState.ASKED
    )
    decided_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["document"],
                condition=Q(state=RequestState.ASKED),
                name="one_open_request_a_document",
            )
        ]

    def __str__(self) -> str:
        return f"{self.document_id}: {self.state}"
