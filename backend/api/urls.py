from django.urls import path

from backend.api import views

urlpatterns = [path("health/", views.health)]
