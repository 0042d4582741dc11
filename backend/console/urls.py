from django.urls import path

from backend.console import answers, conversations, documents, person, views

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
    path("me/identities/", person.identities),
    path("me/identities/<int:pk>/", person.unlink),
    path("me/code/", person.make_code),
    path("me/link/", person.enter),
    path("me/data/", person.my_data),
    path("me/forget/", person.forget),
    path("passages/<int:version>/<int:section>/", documents.show_passage),
]
