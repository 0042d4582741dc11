"""Who is asking: users, the workspaces they belong to, and their platform identities."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

# How the addresses of users end whom only a chat platform knows.
UNREACHABLE = ".invalid"


class UserManager(BaseUserManager["User"]):
    def for_email(self, email: str) -> "User":
        """The user of this address, made where there is none."""
        return self.get_or_create(email=email.strip().lower())[0]


class User(AbstractBaseUser):
    """A person. Signs in by link; the password that Django's base class holds is never set."""

    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    # Nobody any more: what is left of somebody who was forgotten, until the sweep has deleted it.
    forgotten = models.BooleanField(default=False)

    USERNAME_FIELD = EMAIL_FIELD = "email"
    objects = UserManager()

    def __str__(self) -> str:
        return self.email

    @property
    def is_staff(self) -> bool:
        """Whether the Django admin is open to them: to the admins of home."""
        admins = self.memberships.filter(workspace__slug="home", role=Role.ADMIN)
        return self.is_active and admins.exists()

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.is_staff

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_staff

    def has_usable_password(self) -> bool:
        return False

    @property
    def signs_in(self) -> bool:
        """Whether they have an address of their own, for the page."""
        return not self.email.endswith(UNREACHABLE)


class Workspace(models.Model):
    """One organisation. `home` exists from the start; nothing crosses workspaces."""

    slug = models.SlugField(unique=True)
    # Days that its questions and answers are kept; None leaves it to CHAT_RETENTION_DAYS.
    retention_days = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(36_500)]
    )

    def __str__(self) -> str:
        return self.slug


class Role(models.TextChoices):
    MEMBER = "member"
    CURATOR = "curator"
    ADMIN = "admin"


class Membership(models.Model):
    """A user who counts as team in a workspace. Guests and external people have none."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    # Made because an identity is of the team, and ends with the last such. One that was made for
    # the page stays.
    by_platform = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "workspace"], name="one_role_a_workspace")
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.workspace}"


class Platform(models.TextChoices):
    SLACK = "slack"
    DISCORD = "discord"


class Installation(models.Model):
    """A Slack team or Discord server that belongs to a workspace."""

    platform = models.CharField(max_length=10, choices=Platform.choices)
    external_id = models.CharField(max_length=64)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="installations")
    # The name of the role whose holders count as team; empty where every member does.
    team_role = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["platform", "external_id"], name="one_installation")
        ]

    def __str__(self) -> str:
        return f"{self.platform}/{self.external_id}"


class Standing(models.TextChoices):
    """What a person is to an installation. Unknown counts as guest."""

    TEAM = "team"
    GUEST = "guest"
    EXTERNAL = "external"
    REMOVED = "removed"
    UNKNOWN = "unknown"


class Identity(models.Model):
    """A person as one installation knows them. E-mail addresses never join identities."""

    installation = models.ForeignKey(
        Installation, on_delete=models.CASCADE, related_name="identities"
    )
    external_id = models.CharField(max_length=64)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="identities")
    standing = models.CharField(max_length=10, choices=Standing.choices, default=Standing.UNKNOWN)
    read_at = models.DateTimeField(default=timezone.now)  # when the platform said the standing

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["installation", "external_id"], name="one_identity")
        ]

    def __str__(self) -> str:
        return f"{self.installation}/{self.external_id}"


class Channel(models.Model):
    """A channel or group message, public or private, and what is known of its outsiders."""

    installation = models.ForeignKey(
        Installation, on_delete=models.CASCADE, related_name="channels"
    )
    external_id = models.CharField(max_length=64)
    # Guests or people from other organisations among the members; None while that is unknown.
    has_outsiders = models.BooleanField(null=True)
    outsiders_read_at = models.DateTimeField(null=True)
    # `/knowledge guests on`: an admin lets outsiders here draw on the team's documents.
    outsiders_allowed = models.BooleanField(default=False)
    # `/knowledge collect on`: every file that is shared here becomes knowledge.
    collects = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["installation", "external_id"], name="one_channel")
        ]

    def __str__(self) -> str:
        return f"{self.installation}/{self.external_id}"


class ChannelMember(models.Model):
    """An identity that was seen in a channel when its membership was last read."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="members")
    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="channels")
    read_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "identity"], name="one_membership")
        ]

    def __str__(self) -> str:
        return f"{self.identity} in {self.channel}"


class SignInToken(models.Model):
    """A one-time sign-in link, kept as a hash. Without a user it makes the first admin."""

    sha256 = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"sign-in link of {self.user or 'the first admin'}"


class LinkCode(models.Model):
    """A short-lived code, kept as a hash, which joins whoever asked for it with whoever enters it
    twice: once to be told whose it is, once to confirm."""

    sha256 = models.CharField(max_length=64, unique=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="link_codes")
    # Where it was asked for; None on the page.
    identity = models.ForeignKey(Identity, null=True, on_delete=models.CASCADE)
    name = models.CharField(max_length=80)
    expires_at = models.DateTimeField()
    # Who was told whose it is.
    shown_to = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    def __str__(self) -> str:
        return f"link code of {self.user}"


class CodeTry(models.Model):
    """A wrong code that somebody entered; too many of them, and they have to wait."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"wrong code of {self.user}"


class Forgotten(models.Model):
    """A hash of a name of somebody who was forgotten, so that a restore forgets them again."""

    sha256 = models.CharField(max_length=64, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"somebody at {self.at}"


class ForgottenIdentity(models.Model):
    """Who was forgotten, until the bot has forgotten what they said to it until then."""

    platform = models.CharField(max_length=10, choices=Platform.choices)
    installation = models.CharField(max_length=64)
    external_id = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.platform}/{self.installation}/{self.external_id}"
