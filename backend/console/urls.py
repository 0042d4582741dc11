from django.urls import path

from backend.console import (
    answers,
    conversations,
    documents,
    history,
    person,
    promotions,
    views,
)

urlpatterns = [
    path("", views.page),
    path("sign-in/<str:token>/", views.sign_in),
    path("sign-out/", views.sign_out),
    path("ask/", answers.ask_view),
    path("conversations/", conversations.list_conversations),
    path("conversations/<uuid:pk>/", conversations.show_conversation),
    path("messages/<int:pk>/feedback/", conversations.give_feedback),
    path("documents/", documents.documents),
    path("documents/samples/", documents.remove_samples),
    path("documents/<uuid:pk>/", documents.remove_document),
    path("documents/<uuid:pk>/versions/", history.list_versions),
    path("documents/<uuid:pk>/versions/<int:number>/original/", history.download),
    path("documents/<uuid:pk>/versions/<int:number>/restore/", history.restore),
    path("documents/<uuid:pk>/promotion/", promotions.promotion),
    path("promotions/", promotions.list_requests),
    path("promotions/<int:pk>/", promotions.decide),
    path("me/identities/", person.identities),
    path("me/identities/<int:pk>/", person.unlink),
    path("me/code/", person.make_code),
    path("me/link/", person.enter),
    path("me/data/", person.my_data),
    path("me/forget/", person.forget),
    path("passages/<int:version>/<int:section>/", documents.show_passage),
]
